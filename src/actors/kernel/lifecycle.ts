import { HandlerError, StoppedError } from '../../errors.js';
import { codeOf, errorOf } from '../../foreign.js';
import { closeServed, failServed } from './actor-streams.js';
import type { ActorCell } from './cell.js';
import { isAsk } from './delivery.js';
import type { Directive } from './supervision.js';

// How an actor starts, fails, restarts and stops. Each function is called in a turn of the actor, `requestStop` and the timers'
// callbacks apart, which only ask for one.

/** Makes the state and calls `on.started`: the first turn of an actor, and the first after a restart. */
export function start(cell: ActorCell): void {
  const { behavior } = cell;
  cell.phase = 'running';
  cell.runHook('the start', () => {
    if (behavior.idleTimeoutMs !== undefined) cell.context.setIdleTimeout(behavior.idleTimeoutMs);
    cell.state = behavior.createState?.(cell.context);
    cell.hasState = true;
    return behavior.on.started?.(cell.state, cell.context);
  });
}

/**
 * A handler, timer or hook threw, or rejected: answers the ask being handled and does what the supervision says. `during` names what
 * failed, for the log.
 */
export function fail(cell: ActorCell, cause: unknown, during: string): void {
  const { kernel, current } = cell;
  const error = errorOf(cause);
  cell.current = undefined;
  if (cell.seldom?.stash !== undefined) cell.seldom.stash.isMarked = false;
  kernel.failed++;
  if (isAsk(current)) current.fail(handlerError(error));
  if (cell.phase !== 'running') {
    // One that was cut short by the stop itself has nothing to alarm anybody with.
    kernel.logger[error instanceof StoppedError ? 'debug' : 'error']('actor failed while it was stopping', {
      actor: cell.path,
      during,
      error,
    });
    return;
  }
  const verdict = cell
    .usingSeldom()
    .restarts.judge(cell.behavior.supervisor, error, kernel.scheduler.now(), () => kernel.scheduler.random(), {
      maxRestarts: kernel.limits.restarts,
      windowMs: kernel.limits.restartWindowMs,
    });
  const { directive } = verdict;
  kernel.logger[logLevelOf(directive, isAsk(current))](`actor failed: ${directive}`, {
    actor: cell.path,
    during,
    error,
  });
  if (directive === 'resume') return;
  if (directive === 'restart') return restart(cell, error, verdict.delayMs);
  requestStop(cell);
  if (cell.parent === undefined) kernel.failures.publish({ path: cell.path, error });
  else if (directive === 'escalate') {
    const { parent } = cell;
    parent.signal(() => fail(parent, error, `child ${cell.name}`));
  }
}

/** An actor that goes on as it was, and whose asker was told, has nothing to alarm anybody with: a refusal is an answer. */
function logLevelOf(directive: Directive, isAnswered: boolean): 'debug' | 'warn' | 'error' {
  if (directive === 'resume') return isAnswered ? 'debug' : 'warn';
  return directive === 'restart' ? 'warn' : 'error';
}

/** What the asker is told of an error: its message and code. */
export function handlerError(cause: unknown): HandlerError {
  const error = errorOf(cause);
  return new HandlerError(error.message, { handlerCode: codeOf(error) });
}

function restart(cell: ActorCell, error: Error, delayMs: number): void {
  cell.phase = 'restarting';
  cell.kernel.restarted++;
  cell.usingSeldom().restartDelayMs = delayMs;
  cell.dropSignals();
  cell.releaseContext();
  cell.unstash();
  failServed(cell, 'begun', `${cell.path} begins anew: ${error.message}`);
  stopChildren(cell);
  cell.wake();
}

/**
 * From here on nothing is accepted: what waits in the mailbox is answered, timers and watches end, children are told to stop.
 * A handler that is running may finish within `stopTimeoutMs`. Idempotent.
 */
export function requestStop(cell: ActorCell): void {
  if (!cell.isOpen) return;
  cell.phase = 'stopping';
  cell.dropSignals();
  cell.releaseContext();
  cell.flush();
  failServed(cell, 'all', `${cell.path} has stopped before the stream was at its end`);
  const { seldom, kernel } = cell;
  if (seldom !== undefined) {
    if (seldom.readyWaiters.length > 0) seldom.rejectReady(cell.path);
    if (seldom.restartTimer !== undefined) kernel.scheduler.clearTimer(seldom.restartTimer);
  }
  stopChildren(cell);
  if (cell.pending !== undefined) armStopTimer(cell, cell.kernel.handlerTimeoutMs);
  cell.wake();
}

function stopChildren(cell: ActorCell): void {
  if (cell.childCells === undefined) return;
  for (const child of cell.childCells.values()) requestStop(child);
}

/**
 * The next step of stopping or restarting: children are gone, the handler is done, `on.stopping` has run, the end. True when a new
 * start is due at once.
 */
export function windDown(cell: ActorCell): boolean {
  if (cell.phase === 'stopped' || cell.childCells !== undefined) return false;
  if (closeServed(cell)) return false;
  if (cell.hasState) {
    cell.hasState = false;
    cell.runHook('on.stopping', () => cell.behavior.on.stopping?.(cell.state, cell.context));
    if (cell.pending !== undefined) return false;
  }
  const { seldom, kernel } = cell;
  if (seldom?.stopTimer !== undefined) kernel.scheduler.clearTimer(seldom.stopTimer);
  if (seldom !== undefined && seldom.owedReplies.size > 0) seldom.failOwed(cell.path);
  cell.releaseContext();
  cell.state = undefined;
  if (cell.phase !== 'stopping') return startAfresh(cell);
  finish(cell);
  return false;
}

/** True when there is no wait before the new start. */
function startAfresh(cell: ActorCell): boolean {
  const { kernel } = cell;
  const seldom = cell.usingSeldom();
  if (seldom.restartDelayMs === 0) {
    cell.phase = 'starting';
    return true;
  }
  seldom.restartTimer ??= kernel.scheduler.setTimer(seldom.restartDelayMs, () => {
    seldom.restartTimer = undefined;
    cell.phase = 'starting';
    cell.wake();
  });
  return false;
}

/** What is pending may take so long, then it is given up. */
export function armStopTimer(cell: ActorCell, timeoutMs: number): void {
  const { kernel } = cell;
  const seldom = cell.usingSeldom();
  if (seldom.stopTimer !== undefined) kernel.scheduler.clearTimer(seldom.stopTimer);
  seldom.stopTimer = kernel.scheduler.setTimer(timeoutMs, () => {
    seldom.stopTimer = undefined;
    if (cell.pending !== undefined) abandon(cell, timeoutMs);
  });
}

function abandon(cell: ActorCell, timeoutMs: number): void {
  const { kernel, current } = cell;
  kernel.logger.warn(`a handler or hook did not settle within ${timeoutMs} ms; the actor goes on without it`, {
    actor: cell.path,
  });
  cell.pending = undefined;
  cell.current = undefined;
  if (isAsk(current)) current.fail(new StoppedError(`${cell.path} has stopped before its handler was done`));
  cell.wake();
}

function finish(cell: ActorCell): void {
  const { kernel, parent, seldom } = cell;
  cell.phase = 'stopped';
  kernel.actors--;
  if (cell.takenCUid !== undefined) kernel.addressed.delete(cell.takenCUid);
  if (parent === undefined) kernel.roots.delete(cell.name);
  else childGone(parent, cell);
  if (seldom === undefined) return;
  cell.seldom = undefined;
  for (const watcher of seldom.watchers) watcher.terminated(cell, 'stopped');
  for (const stopped of seldom.stopWaiters) stopped();
}

function childGone(parent: ActorCell, child: ActorCell): void {
  const siblings = parent.childCells;
  siblings?.delete(child.name);
  if (siblings?.size !== 0) return;
  parent.childCells = undefined;
  if (parent.phase === 'stopping' || parent.phase === 'restarting') parent.wake();
}
