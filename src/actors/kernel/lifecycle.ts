import { StoppedError } from '../../errors.js';
import { errorOf } from '../../foreign.js';
import { answeredError, failureIn, isOutcomeOfCall } from './answered-error.js';
import { closeServed, failServed } from './actor-streams.js';
import type { Ending } from './behavior.js';
import type { ActorCell } from './cell.js';
import { type ColdState, stoppedForGood } from './cold-state.js';
import { type Delivery, isAsk } from './delivery.js';
import { awaitReleased } from './released-work.js';
import { endOfRequests } from './request-reader.js';

// How an actor starts, fails, restarts and stops. Each function is called in a turn of the actor, except `requestStop` and the callbacks
// of timers, which request a turn.

const STOPPED: Ending = { reason: 'stopped' };

/** Creates the state and calls `on.started`: the first turn of an actor, and the first after a restart. */
export function start(cell: ActorCell): void {
  const { behavior } = cell;
  cell.phase = 'running';
  const begin = (): unknown => {
    if (behavior.idleTimeoutMs !== undefined) cell.context.setIdleTimeout(behavior.idleTimeoutMs);
    cell.state = behavior.createState?.(cell.context, cell.args);
    cell.hasState = true;
    return behavior.on.started?.(cell.state, cell.context);
  };
  cell.runHook('the start', begin, 'actor');
}

/** What failed: the handling of a message, a timer or hook, or the actor itself: its start, `ctx.fail`, a child that escalates. */
export type FailedWork = 'message' | 'hook' | 'actor';

/**
 * A handler, timer or hook threw, or rejected: answers the ask being handled, and follows the supervision, unless it was a refusal, or the
 * error with which the requests of the message have ended. `during` names the failed code in logs.
 */
export function fail(cell: ActorCell, cause: unknown, during: string, work: FailedWork): void {
  const { kernel, current } = cell;
  cell.current = undefined;
  if (cell.cold?.stash !== undefined) cell.unmark(cell.cold.stash);
  const end = work === 'message' ? endOfRequests(cell, current, cause) : undefined;
  if (end !== undefined) {
    if (isAsk(current)) current.fail(end);
    kernel.logger.debug('the requests of a call have ended', { actor: cell.path, during, error: end });
    return;
  }
  const answer = isAsk(current) ? answeredError(cause) : undefined;
  if (answer !== undefined) current?.fail(answer);
  const failure = failureIn(cause, answer);
  if (work === 'message' && failure === undefined) {
    kernel.logger.debug('a message was refused', { actor: cell.path, during, error: cause });
    return;
  }
  const error = failure ?? errorOf(cause);
  kernel.failed++;
  if (cell.phase !== 'running') {
    // The stop itself may have caused a StoppedError; that is expected.
    kernel.logger[error instanceof StoppedError ? 'debug' : 'error']('actor failed while it was stopping', {
      actor: cell.path,
      during,
      error,
    });
    return;
  }
  const verdict = cell
    .coldState()
    .restarts.judge(
      cell.behavior.supervisor,
      { error, isOfMessage: isOfMessage(current, cause, work) },
      kernel.scheduler.now(),
      () => kernel.scheduler.random(),
      { maxRestarts: kernel.limits.restarts, windowMs: kernel.limits.restartWindowMs },
    );
  const { directive } = verdict;
  kernel.logger[directive === 'stop' || directive === 'escalate' ? 'error' : 'warn'](`actor failed: ${directive}`, {
    actor: cell.path,
    during,
    error,
  });
  if (directive === 'resume') return;
  if (directive === 'restart') return restart(cell, error, verdict.delayMs);
  cell.coldState().ending = { reason: 'failed', cause: error };
  if (!cell.behavior.isOfRuntime) kernel.troubles.ended(cell.path, error, cell.parent === undefined);
  requestStop(cell);
  if (cell.parent === undefined) kernel.failures.publish({ path: cell.path, error });
  else if (directive === 'escalate') {
    const { parent } = cell;
    parent.signal(() => fail(parent, error, `child ${cell.name}`, 'actor'));
  }
}

/**
 * The failure says nothing against the actor's state: the caller of the ask or the reader of the stream has the error, or the actor did not
 * catch how its own call of another actor ended.
 */
function isOfMessage(current: Delivery | undefined, cause: unknown, work: FailedWork): boolean {
  return work !== 'actor' && (current?.isOfStream === true || isAsk(current) || isOutcomeOfCall(cause));
}

function restart(cell: ActorCell, error: Error, delayMs: number): void {
  cell.phase = 'restarting';
  cell.kernel.restarted++;
  if (!cell.behavior.isOfRuntime)
    cell.kernel.troubles.restarted(cell.path, error, cell.parent === undefined, cell.kernel.scheduler.now());
  const cold = cell.coldState();
  cold.restartDelayMs = delayMs;
  cold.ending = { reason: 'restarting', cause: error };
  cell.dropSignals();
  cell.releaseContext();
  cell.returnStash();
  failServed(cell, 'begun', `${cell.path} restarts: ${error.message}`);
  stopChildren(cell);
  cell.wake();
}

/**
 * From now on, the actor accepts no messages: those in the mailbox are answered, timers and watches end, children are told to stop. A
 * pending handler may settle within `stopTimeoutMs`. Idempotent.
 */
export function requestStop(cell: ActorCell): void {
  if (!cell.isOpen) return;
  if (cell.phase === 'restarting') cell.coldState().ending = undefined;
  cell.phase = 'stopping';
  cell.dropSignals();
  cell.releaseContext();
  cell.behavior.dropping?.(cell.waiting);
  cell.flush();
  failServed(cell, 'all', `${cell.path} has stopped before the stream ended`);
  const { cold, kernel } = cell;
  if (cold !== undefined) {
    if (cold.readyWaiters.size > 0) cold.readyWaiters.reject(stoppedForGood(cell.path));
    if (cold.restartTimer !== undefined) kernel.scheduler.clearTimer(cold.restartTimer);
  }
  stopChildren(cell);
  if (cell.pending !== undefined) armStopTimer(cell, cell.kernel.handlerTimeoutMs);
  cell.wake();
}

/** Stops an actor; resolves when it and its children have stopped. */
export function stopped(cell: ActorCell): Promise<void> {
  if (cell.phase === 'stopped') return Promise.resolve();
  return new Promise((resolve) => {
    cell.coldState().stopWaiters.push(resolve);
    requestStop(cell);
  });
}

function stopChildren(cell: ActorCell): void {
  if (cell.childCells === undefined) return;
  for (const child of cell.childCells.values()) requestStop(child);
}

/**
 * The next step of a stop or restart, in this order: children have stopped, the handler has settled, `on.stopping` has run, the actor
 * ends. True when the actor must start again at once.
 */
export function windDown(cell: ActorCell): boolean {
  if (cell.phase === 'stopped' || cell.childCells !== undefined) return false;
  if (closeServed(cell) || awaitReleased(cell)) return false;
  if (cell.hasState) {
    cell.hasState = false;
    const ending = cell.cold?.ending ?? STOPPED;
    cell.runHook('on.stopping', () => cell.behavior.on.stopping?.(cell.state, cell.context, ending));
    if (cell.pending !== undefined) return false;
  }
  const { cold, kernel } = cell;
  if (cold?.stopTimer !== undefined) kernel.scheduler.clearTimer(cold.stopTimer);
  if (cold !== undefined) {
    if (cold.deferredReplies.size > 0 && !cold.hasDeliveredDeferred) return deliverDeferred(cell, cold);
    cold.hasDeliveredDeferred = false;
    cold.failDeferredReplies(cell.path);
  }
  cell.retireContext();
  cell.state = undefined;
  if (cell.phase !== 'stopping') return startAfresh(cell);
  finish(cell);
  return false;
}

/** Lets replies arrive that are settled by now: their promises have reactions that have not run. */
function deliverDeferred(cell: ActorCell, cold: ColdState): boolean {
  cold.hasDeliveredDeferred = true;
  const delivered = new Promise<void>((resolve) => cell.kernel.scheduler.scheduleYield(resolve));
  cell.suspend(delivered, 'the delivery of replies', () => {});
  return false;
}

/** True when the restart has no delay. */
function startAfresh(cell: ActorCell): boolean {
  const { kernel } = cell;
  const cold = cell.coldState();
  cold.ending = undefined;
  if (cold.restartDelayMs === 0) {
    cell.phase = 'starting';
    return true;
  }
  cold.restartTimer ??= kernel.scheduler.setTimer(cold.restartDelayMs, () => {
    cold.restartTimer = undefined;
    cell.phase = 'starting';
    cell.wake();
  });
  return false;
}

/** A pending handler or hook has `timeoutMs` to settle; then it is abandoned and logged. */
export function armStopTimer(cell: ActorCell, timeoutMs: number): void {
  const { kernel } = cell;
  const cold = cell.coldState();
  if (cold.stopTimer !== undefined) kernel.scheduler.clearTimer(cold.stopTimer);
  cold.stopTimer = kernel.scheduler.setTimer(timeoutMs, () => {
    cold.stopTimer = undefined;
    if (cell.pending !== undefined) abandon(cell, timeoutMs);
  });
}

function abandon(cell: ActorCell, timeoutMs: number): void {
  const { kernel, current } = cell;
  kernel.logger.warn(`a handler or hook did not settle within ${timeoutMs} ms, and was abandoned`, {
    actor: cell.path,
  });
  cell.pending = undefined;
  cell.current = undefined;
  if (isAsk(current)) current.fail(new StoppedError(`${cell.path} has stopped before its handler settled`));
  cell.wake();
}

function finish(cell: ActorCell): void {
  const { kernel, parent, cold } = cell;
  cell.phase = 'stopped';
  kernel.actors--;
  kernel.troubles.stopped(() => cell.path);
  if (cell.takenCUid !== undefined) kernel.addressed.delete(cell.takenCUid);
  if (parent === undefined) kernel.roots.delete(cell.name);
  else childEnded(parent, cell);
  if (cold === undefined) return;
  cell.cold = undefined;
  const cause = cold.ending?.cause;
  if (cause !== undefined) kernel.causes.ended(cell, cause);
  for (const watcher of cold.watchers) watcher.terminated(cell, cause === undefined ? 'stopped' : 'failed', cause);
  for (const stopped of cold.stopWaiters) stopped();
}

function childEnded(parent: ActorCell, child: ActorCell): void {
  const siblings = parent.childCells;
  siblings?.delete(child.name);
  if (siblings?.size !== 0) return;
  parent.childCells = undefined;
  if (parent.phase === 'stopping' || parent.phase === 'restarting') parent.wake();
}
