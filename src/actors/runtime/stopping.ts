import { AsyncLocalStorage } from 'node:async_hooks';
import { setMaxListeners } from 'node:events';
import { ConfigError, type MillraceError, StoppedError } from '../../errors.js';
import { limits } from '../../limits.js';
import type { Logger } from '../../logging/index.js';
import { type Scheduler, settledWithin } from '../../scheduler/index.js';
import { checkStop } from './given-arguments.js';
import { Drain } from './drain.js';
import type { Phase } from './health.js';
import type { PartitionsEnd } from './partitions.js';
import { isNothing, type RuntimeUnfinished } from './runtime-unfinished.js';

export interface StopOptions {
  /**
   * Time in ms for unfinished work to end by itself: `before`, pipelines, waiting messages, handlers, asks, streams. The rest is cut off
   * with typed errors and dead letters. Default 0: at once; with `before` 10 000.
   */
  readonly drainTimeoutMs?: number;
  /**
   * Called first, while everything still accepts work; `runtime.health()` reports already that it is not ready. Close your own servers
   * here, such as an HTTP server. It may wait for something that itself stops the runtime: such a call does not wait for `before`.
   */
  readonly before?: () => unknown;
  /** Ends the drain at once when it is aborted. */
  readonly signal?: AbortSignal;
}

export interface StopReport {
  /** All work has ended by itself, including `before`, and peers have taken what was sent to them. */
  readonly isDrained: boolean;
  readonly tookMs: number;
  /** Counts of unfinished work that was cut off. */
  readonly cutOff: RuntimeUnfinished;
  /** Tells that the partitions of their actors have not taken, within `linkLingerMs` or before they ended: dead letters with the reason `not taken`. */
  readonly untakenTells: number;
  /**
   * Partitions on threads or in processes that did not stop in order, and have ended with all their work: by force, or by themselves. `cutOff` has only what
   * they had reported.
   */
  readonly endedPartitions: number;
}

/** Time in ms in which hosted partitions say what they have left, when a runtime stops without a drain. */
const REFRESH_MS = 500;

const NOTHING_CUT_OFF: PartitionsEnd = { untakenTells: 0, endedPartitions: 0 };

/** What stopping needs of a runtime. */
export interface Stoppable {
  readonly scheduler: Scheduler;
  readonly log: Logger;
  /** Messages from peers may be in transit. */
  hasPeers(): boolean;
  unfinished(): RuntimeUnfinished;
  /** The runtime was told to stop. */
  begin(): void;
  /** Unregisters the names of its actors. */
  unregisterNames(): Promise<void>;
  /** Updates the data of `unfinished` from hosted partitions; undefined where there are none. */
  refresh(): Promise<void> | undefined;
  /** Accepts no new work; then as `refresh`. */
  drain(): Promise<void> | undefined;
  /** Begins to end: resolves when no links are under way, so that what waits for them is not cut off. */
  leave(): Promise<void>;
  /** Stops everything, children first. */
  end(options: { readonly handlerTimeoutMs?: number }): Promise<PartitionsEnd>;
  /** Stops everything, and notifies nobody. */
  abandon(error: MillraceError): Promise<void>;
}

/** Stops a runtime once: in order, after an optional drain, or at once when its process has crashed. */
export class Stopping {
  readonly #target: Stoppable;
  readonly #draining = new AbortController();
  #phase: Phase = 'starting';
  #isEnding = false;
  #stopped: Promise<StopReport> | undefined;
  #abandoned: Promise<void> | undefined;
  /** Marks code that runs in `before`, including work that it has started. */
  readonly #inBefore = new AsyncLocalStorage<true>();
  #drain: Drain | undefined;
  #beganAtMs = 0;

  constructor(target: Stoppable) {
    this.#target = target;
    // Node 20 warns of a leak at the eleventh listener; any number of users may listen to this signal.
    setMaxListeners(0, this.#draining.signal);
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** Aborted when the runtime is told to stop. */
  get draining(): AbortSignal {
    return this.#draining.signal;
  }

  get hasBegun(): boolean {
    return this.#stopped !== undefined;
  }

  /** The drain must not wait any longer. */
  get isEnding(): boolean {
    return this.#isEnding;
  }

  /** Throws StoppedError when the runtime was told to stop: `what` cannot start then. */
  assertNotStarted(what: string): void {
    if (this.hasBegun) {
      throw new StoppedError(`${what} cannot start: the runtime is ${this.#phase}.`);
    }
  }

  started(): void {
    if (this.#phase === 'starting') {
      this.#phase = 'running';
    }
  }

  /**
   * Idempotent: a later call joins the first, whose options apply. Rejects with ConfigError for an invalid option, without any effect.
   * `before` may wait for a caller of this method. Therefore, a call from within `before` resolves at once, with the unfinished work of that
   * moment; after a call from elsewhere, the drain does not wait for `before` any more once the runtime has no other work.
   */
  async stop(options: StopOptions): Promise<StopReport> {
    checkStop(options);
    const { before, drainTimeoutMs = before === undefined ? 0 : limits.drainTimeoutMs } = options;
    if (!(drainTimeoutMs >= 0 && drainTimeoutMs < Number.POSITIVE_INFINITY)) {
      throw new ConfigError(`drainTimeoutMs must be a finite number of milliseconds from 0, not ${drainTimeoutMs}.`);
    }
    if (this.#drain?.isInBefore === true) {
      if (this.#inBefore.getStore() === true) return this.#soFar();
      this.#drain.joined();
    }
    this.#stopped ??= this.#stop(drainTimeoutMs, options);
    return this.#stopped;
  }

  crash(error: MillraceError): void {
    if (!this.#isEnding) {
      this.#isEnding = true;
      const cutOff = this.#target.unfinished();
      this.#leave();
      this.#abandoned = this.#target.abandon(error);
      this.#stopped ??= this.#abandoned.then(() => this.#report(this.#target.scheduler.now(), cutOff));
    }
  }

  async #stop(drainTimeoutMs: number, { before, signal }: StopOptions): Promise<StopReport> {
    const { scheduler, log } = this.#target;
    const beganAtMs = scheduler.now();
    this.#beganAtMs = beganAtMs;
    this.#leave();
    this.#target.begin();
    let isDrained = true;
    if (drainTimeoutMs > 0) {
      log.info('draining', { drainTimeoutMs });
      const isOver = (): boolean => this.#isEnding || signal?.aborted === true;
      this.#drain = new Drain(this.#target, beganAtMs + drainTimeoutMs, isOver);
      isDrained = await this.#drain.run(before && (() => this.#inBefore.run(true, before)));
    }
    if (this.#abandoned !== undefined) {
      await this.#abandoned;
      return this.#report(beganAtMs, this.#target.unfinished());
    }
    this.#isEnding = true;
    // After a drain, what hosted partitions have left is known.
    if (drainTimeoutMs === 0) await this.#refreshed();
    await this.#target.leave();
    const cutOff = this.#target.unfinished();
    if (drainTimeoutMs > 0 && !isNothing(cutOff)) {
      log.warn('unfinished work was cut off', { ...cutOff, afterMs: scheduler.now() - beganAtMs });
    }
    // Pending handlers had their time in the drain.
    const end = await this.#target.end(drainTimeoutMs > 0 ? { handlerTimeoutMs: 0 } : {});
    return this.#report(beganAtMs, cutOff, isDrained, end);
  }

  /** Resolves when hosted partitions have said what they have left. One that does not answer soon is ended later, which the report says. */
  #refreshed(): Promise<void> | undefined {
    const work = this.#target.refresh();
    if (work === undefined) return undefined;
    return settledWithin(this.#target.scheduler, REFRESH_MS, work);
  }

  #soFar(): StopReport {
    const { scheduler } = this.#target;
    const tookMs = scheduler.now() - this.#beganAtMs;
    return { isDrained: false, tookMs, cutOff: this.#target.unfinished(), ...NOTHING_CUT_OFF };
  }

  #leave(): void {
    this.#phase = 'draining';
    this.#draining.abort(new StoppedError('The runtime is stopping.'));
  }

  #report(beganAtMs: number, cutOff: RuntimeUnfinished, isDrained = true, end = NOTHING_CUT_OFF): StopReport {
    this.#phase = 'stopped';
    const tookMs = this.#target.scheduler.now() - beganAtMs;
    const { untakenTells, endedPartitions } = end;
    const isAllDone = isDrained && isNothing(cutOff) && untakenTells === 0 && endedPartitions === 0;
    return { isDrained: isAllDone, tookMs, cutOff, untakenTells, endedPartitions };
  }
}
