import { StoppedError } from '../../errors.js';
import { errorOf, promiseOf } from '../../foreign.js';
import type { FailedWork } from './actor.js';
import { ActorContext } from './actor-context.js';
import { closeServed, failServed } from './actor-streams.js';
import { answeredError, failureIn, isOutcomeOfCall, isPassedOn } from './answered-error.js';
import type { AnyBehavior, Ending } from './behavior.js';
import { type ColdState, stoppedForGood } from './cold-state.js';
import { type Delivery, isAsk } from './delivery.js';
import { Draining } from './draining.js';
import type { Kernel } from './kernel.js';
import { awaitReleased } from './released-work.js';
import { endOfRequests } from './request-reader.js';
import type { Watcher } from './route.js';
import type { Verdict } from './supervision.js';
import { ActorTurns } from './turns.js';

const STOPPED: Ending = { reason: 'stopped' };

/**
 * How an actor starts, fails, restarts and stops, with what belongs to one incarnation of it: the state and the context. Each method is called
 * in a turn of the actor, except `requestStop` and the callbacks of timers, which request a turn.
 */
export abstract class ActorLife extends ActorTurns {
  override readonly behavior: AnyBehavior;
  /** What it was spawned with, for `state` of its behavior. */
  readonly #args: unknown;
  #state: unknown = undefined;
  /** The state was created, so `on.stopping` must be called. */
  #hasState: boolean;
  #context: ActorContext | undefined = undefined;

  constructor(kernel: Kernel, behavior: AnyBehavior, args: unknown) {
    const prepared = kernel.behaviors.prepare(behavior);
    const isStarted =
      behavior.createState === undefined && behavior.on.started === undefined && behavior.idleTimeoutMs === undefined;
    super(kernel, prepared.bounds, isStarted ? 'running' : 'starting');
    this.behavior = prepared.behavior;
    this.#hasState = isStarted;
    this.#args = args;
  }

  /** The actor has ended: those that know it are told, its watchers apart. */
  protected abstract leave(): void;

  override get state(): unknown {
    return this.#state;
  }

  override get context(): ActorContext {
    this.#context ??= new ActorContext(this);
    return this.#context;
  }

  override become(state: unknown): void {
    this.#state = state;
  }

  /** Creates the state and calls `on.started`. */
  protected override start(): void {
    const { behavior } = this;
    this.enter('running');
    const begin = (): unknown => {
      if (behavior.idleTimeoutMs !== undefined) this.context.setIdleTimeout(behavior.idleTimeoutMs);
      this.#state = behavior.createState?.(this.context, this.#args);
      this.#hasState = true;
      const work = promiseOf(behavior.on.started?.(this.#state, this.context));
      const start = this.cold?.start;
      if (work === undefined) start?.resolve();
      else if (start !== undefined)
        void work.then(
          () => start.resolve(),
          () => {},
        );
      return work;
    };
    this.runHook('the start', begin, 'actor');
  }

  override started(): Promise<void> {
    return this.phase === 'starting' ? this.coldState().openStart().promise : Promise.resolve();
  }

  /** Neither a refusal nor the error with which the requests of the message have ended is a failure of the actor. */
  override fail(cause: unknown, during: string, work: FailedWork): void {
    const { kernel, current } = this;
    this.handles(undefined);
    if (this.cold?.stash !== undefined) this.unmark(this.cold.stash);
    const end = work === 'message' ? endOfRequests(this, current, cause) : undefined;
    if (end !== undefined) {
      if (isAsk(current)) current.fail(end);
      kernel.logger.debug('the requests of a call have ended', { actor: this.path, during, error: end });
      return;
    }
    const answer = isAsk(current) ? answeredError(cause) : undefined;
    if (answer !== undefined) current?.fail(answer);
    const failure = failureIn(cause, answer);
    if (work === 'message' && failure === undefined) {
      kernel.logger.debug('a message was refused', { actor: this.path, during, error: cause });
      return;
    }
    const error = failure ?? errorOf(cause);
    kernel.counters.failed();
    if (this.phase === 'running') this.#supervise(error, during, isOfMessage(current, cause, work));
    else this.#failedWhileStopping(error, during);
  }

  /** The stop itself may have caused a StoppedError; that is expected. */
  #failedWhileStopping(error: Error, during: string): void {
    const level = error instanceof StoppedError ? 'debug' : 'error';
    this.kernel.logger[level]('actor failed while it was stopping', { actor: this.path, during, error });
  }

  #supervise(error: Error, during: string, isOfItsMessage: boolean): void {
    const start = this.cold?.start;
    if (start?.isSettled === false) {
      this.kernel.logger.debug('actor could not start', { actor: this.path, during, error });
      start.reject(error);
      this.coldState().endsBy({ reason: 'failed', cause: error });
      this.requestStop();
      return;
    }
    const verdict = this.#judge(error, isOfItsMessage);
    const { directive } = verdict;
    this.kernel.observer?.failed(this, error, directive);
    const isEnd = directive === 'stop' || directive === 'escalate';
    const level = isEnd ? 'error' : directive === 'resume' && isPassedOn(error) ? 'debug' : 'warn';
    this.kernel.logger[level](`actor failed: ${directive}`, { actor: this.path, during, error });
    if (directive === 'resume') return;
    if (directive === 'restart') this.#restart(error, verdict.delayMs);
    else this.#endByFailure(error, directive === 'escalate');
  }

  #judge(error: Error, isOfItsMessage: boolean): Verdict {
    const { limits, scheduler } = this.kernel;
    return this.coldState().restarts.judge(
      this.behavior.supervisor,
      { error, isOfMessage: isOfItsMessage },
      scheduler.now(),
      () => scheduler.random(),
      { maxRestarts: limits.restarts, windowMs: limits.restartWindowMs },
    );
  }

  #endByFailure(error: Error, isEscalated: boolean): void {
    const { kernel, parent } = this;
    this.coldState().endsBy({ reason: 'failed', cause: error });
    if (!this.behavior.isOfRuntime) kernel.troubles.ended(this.path, error, parent === undefined);
    this.requestStop();
    if (parent === undefined) kernel.failures.publish({ path: this.path, error });
    else if (isEscalated) parent.signal(() => parent.fail(error, `child ${this.name}`, 'actor'));
  }

  #restart(error: Error, delayMs: number): void {
    const { counters, scheduler, troubles } = this.kernel;
    this.enter('restarting');
    counters.restarted();
    if (!this.behavior.isOfRuntime) troubles.restarted(this.path, error, this.parent === undefined, scheduler.now());
    this.coldState().restartsAfter(delayMs, error);
    this.dropSignals();
    this.#releaseContext();
    this.returnStash();
    failServed(this, 'begun', `${this.path} restarts: ${error.message}`);
    this.#stopChildren();
    this.wake();
  }

  /**
   * From now on, the actor accepts no messages: those in the mailbox are answered, timers and watches end, children are told to stop. A
   * pending handler may settle within `stopTimeoutMs`. Idempotent.
   */
  override requestStop(): void {
    if (!this.isOpen) return;
    if (this.phase === 'restarting') this.coldState().endsBy(undefined);
    this.enter('stopping');
    this.dropSignals();
    this.#releaseContext();
    this.behavior.dropping?.(this.waiting);
    this.flush();
    failServed(this, 'all', `${this.path} has stopped before the stream ended`);
    const { cold, kernel } = this;
    if (cold !== undefined) {
      const { readyWaiters, start } = cold;
      cold.draining?.end();
      start?.reject(new StoppedError(`${this.path} was stopped before it had started`));
      if (readyWaiters !== undefined && readyWaiters.size > 0) readyWaiters.reject(() => stoppedForGood(this.path));
      cold.startsNoMore(kernel.scheduler);
    }
    this.#stopChildren();
    if (this.isHeld) this.armStopTimer(kernel.handlerTimeoutMs);
    this.wake();
  }

  override stopped(drainMs?: number): Promise<void> {
    if (this.phase === 'stopped') return Promise.resolve();
    return new Promise((resolve) => {
      this.coldState().stopWaiters.push(resolve);
      if (drainMs === undefined) this.requestStop();
      else this.drain(drainMs);
    });
  }

  /** The first drain holds: a later one changes nothing. */
  override drain(timeoutMs: number): void {
    const cold = this.coldState();
    if (!this.isOpen || cold.draining !== undefined) return;
    const { scheduler } = this.kernel;
    cold.drains(
      new Draining(
        scheduler,
        timeoutMs,
        () => this.wake(),
        () => this.#cutOff(timeoutMs),
      ),
    );
    cold.readyWaiters?.reject(() => stoppedForGood(this.path));
    this.wake();
  }

  #cutOff(afterMs: number): void {
    const { path: actor, load: messages, parked, stashed } = this;
    const left = { actor, messages, parked, stashed };
    this.kernel.logger.warn(`an actor had not done its work ${afterMs} ms after its drain began, and is stopped`, left);
    this.requestStop();
  }

  protected override endDrain(): boolean {
    const { cold, children } = this;
    if (cold?.draining === undefined || !this.#hasDoneItsWork(cold)) return false;
    if (children.size === 0) this.requestStop();
    // They may have got work from it until now.
    const leftMs = Math.max(0, cold.draining.untilMs - this.kernel.scheduler.now());
    for (const child of children.values()) child.drain(leftMs);
    return children.size === 0;
  }

  /** What it has accepted was handled and answered. What it has stashed was accepted, too. */
  #hasDoneItsWork({ streams, unsettled }: ColdState): boolean {
    return this.isQuiet && !streams.isServing && unsettled + this.parked + this.stashed === 0;
  }

  #stopChildren(): void {
    for (const child of this.children.values()) child.requestStop();
  }

  /** In this order: children have stopped, the handler has settled, `on.stopping` has run, the actor ends or starts again. */
  protected override windDown(): boolean {
    if (this.phase === 'stopped' || this.children.size > 0) return false;
    if (closeServed(this) || awaitReleased(this)) return false;
    if (this.#hasState) {
      this.#hasState = false;
      const ending = this.cold?.ending ?? STOPPED;
      this.runHook('on.stopping', () => this.behavior.on.stopping?.(this.#state, this.context, ending));
      if (this.isHeld) return false;
    }
    const { cold, kernel } = this;
    if (cold !== undefined) {
      cold.needsNoTime(kernel.scheduler);
      if (cold.deferredReplies > 0 && !cold.hasDelivered) return this.#deliverDeferred(cold);
      cold.delivers(false);
      cold.failDeferredReplies(this.path);
    }
    this.#retireContext();
    this.#state = undefined;
    if (this.phase !== 'stopping') return this.#startAfresh();
    this.#end();
    return false;
  }

  /** Lets replies arrive that are settled by now: their promises have reactions that have not run. */
  #deliverDeferred(cold: ColdState): boolean {
    cold.delivers(true);
    const delivered = new Promise<void>((resolve) => this.kernel.scheduler.scheduleYield(resolve));
    this.suspend(delivered, 'the delivery of replies', () => {});
    return false;
  }

  /** True when the restart has no delay. */
  #startAfresh(): boolean {
    const start = (): void => {
      this.enter('starting');
      this.wake();
    };
    if (!this.coldState().startsAtOnce(this.kernel.scheduler, start)) return false;
    this.enter('starting');
    return true;
  }

  protected override armStopTimer(timeoutMs: number): void {
    this.coldState().givesTime(this.kernel.scheduler, timeoutMs, () => {
      if (this.isHeld) this.#abandon(timeoutMs);
    });
  }

  #abandon(timeoutMs: number): void {
    const { current } = this;
    this.kernel.logger.warn(`a handler or hook did not settle within ${timeoutMs} ms, and was abandoned`, {
      actor: this.path,
    });
    this.release();
    if (isAsk(current)) current.fail(new StoppedError(`${this.path} has stopped before its handler settled`));
  }

  #end(): void {
    this.enter('stopped');
    this.leave();
    const { cold, kernel } = this;
    if (cold === undefined) return;
    this.forgetCold();
    const cause = cold.ending?.cause;
    if (cause !== undefined) kernel.directory.causes.ended(this, cause);
    for (const watcher of cold.watchers) tellEnd(watcher, this, cause);
    for (const stopped of cold.stopWaiters) stopped();
  }

  override watch(watcher: Watcher): void {
    if (this.phase === 'stopped') tellEnd(watcher, this, this.kernel.directory.causes.of(this));
    else this.coldState().watch(watcher);
  }

  override unwatch(watcher: Watcher): void {
    this.cold?.unwatch(watcher);
  }

  /** Ends the timers and watches of the actor, and the streams that it reads. */
  #releaseContext(): void {
    this.#context?.release();
    this.cold?.streams.abandonRead(this.path);
  }

  /** This incarnation has ended: its context does nothing any more. */
  #retireContext(): void {
    this.#releaseContext();
    this.cold?.borrowing?.end();
    this.#context?.retire();
    this.#context = undefined;
  }
}

function tellEnd(watcher: Watcher, actor: ActorLife, cause: Error | undefined): void {
  watcher.terminated(actor, cause === undefined ? 'stopped' : 'failed', cause);
}

/**
 * The failure says nothing against the actor's state: the caller of the ask or the reader of the stream has the error, or the actor did not
 * catch how its own call of another actor ended.
 */
function isOfMessage(current: Delivery | undefined, cause: unknown, work: FailedWork): boolean {
  return work !== 'actor' && (current?.isOfStream === true || isAsk(current) || isOutcomeOfCall(cause));
}
