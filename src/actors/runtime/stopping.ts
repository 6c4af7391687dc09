import { AsyncLocalStorage } from 'node:async_hooks';
import { setMaxListeners } from 'node:events';
import { ConfigError, type MillraceError, StoppedError } from '../../errors.js';
import { limits } from '../../limits.js';
import type { Logger } from '../../logging/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import { checkStop } from './given-arguments.js';
import { Drain } from './drain.js';
import type { Phase } from './health.js';
import { isNothing, type RuntimeUnfinished } from './runtime-unfinished.js';

export interface StopOptions {
  /**
   * Time in ms for what has begun to end by itself: `before`, pipelines, messages that wait, handlers, asks, streams. What is left then
   * is cut off with typed errors and dead letters. Default 0, which is at once; with `before` 10 000.
   */
  readonly drainTimeoutMs?: number;
  /**
   * Called first, while everything still takes work; `runtime.health()` says already that it is not ready. Close your own doors here,
   * such as an HTTP server. What it waits for may itself stop the runtime: such a call does not wait for `before`.
   */
  readonly before?: () => unknown;
  /** Cuts the drain short. */
  readonly signal?: AbortSignal;
}

export interface StopReport {
  /** All that had begun has ended by itself, `before` too. */
  readonly isDrained: boolean;
  readonly tookMs: number;
  /** What had not ended, and was cut off. */
  readonly cutOff: RuntimeUnfinished;
}

/** A runtime, as its end sees it. */
export interface Stoppable {
  readonly scheduler: Scheduler;
  readonly log: Logger;
  /** Messages may be on their way to it that it cannot see. */
  hasPeers(): boolean;
  unfinished(): RuntimeUnfinished;
  /** Nobody finds its actors by name any more. */
  withdraw(): Promise<void>;
  /** Brings what `unfinished` knows up to date, where that is not at hand. */
  look(): Promise<void> | undefined;
  /** Takes nothing new; then as `look`. */
  drain(): Promise<void> | undefined;
  /** Stops everything, children first. */
  end(options: { readonly handlerTimeoutMs?: number }): Promise<void>;
  /** Stops everything, and tells nobody. */
  abandon(error: MillraceError): Promise<void>;
}

/** How a runtime ends: in order, after a drain where one is wanted, or at once when its process has crashed. It ends once. */
export class Stopping {
  readonly #target: Stoppable;
  readonly #draining = new AbortController();
  #phase: Phase = 'starting';
  #isEnding = false;
  #stopped: Promise<StopReport> | undefined;
  #abandoned: Promise<void> | undefined;
  /** What runs in `before`, and what that has begun. */
  readonly #inBefore = new AsyncLocalStorage<true>();
  #drain: Drain | undefined;
  #beganAtMs = 0;

  constructor(target: Stoppable) {
    this.#target = target;
    // However many users wait for it, that is no leak: Node 20 warns at the eleventh listener.
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

  /** Nothing is waited for any more. */
  get isEnding(): boolean {
    return this.#isEnding;
  }

  /** StoppedError for what is to begin after the runtime was told to stop. */
  mustNotHaveBegun(what: string): void {
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
   * Idempotent: who calls later joins the first, whose options hold. ConfigError for a wrong option, and nothing has happened.
   * `before` may wait for who calls while it is at work. A call from within it resolves at once with what is not done at that moment; a call
   * from elsewhere has the drain begin without `before` when nothing happens in the runtime any more.
   */
  async stop(options: StopOptions): Promise<StopReport> {
    checkStop(options);
    const { before, drainTimeoutMs = before === undefined ? 0 : limits.drainTimeoutMs } = options;
    if (!(drainTimeoutMs >= 0 && drainTimeoutMs < Number.POSITIVE_INFINITY)) {
      throw new ConfigError(`drainTimeoutMs is a finite number of milliseconds, at least 0; got ${drainTimeoutMs}.`);
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
    const cutOff = this.#target.unfinished();
    if (drainTimeoutMs > 0 && !isNothing(cutOff)) {
      log.warn('what had not ended by itself was cut off', { ...cutOff, afterMs: scheduler.now() - beganAtMs });
    }
    // Handlers that are awaited still had their time.
    await this.#target.end(drainTimeoutMs > 0 ? { handlerTimeoutMs: 0 } : {});
    return this.#report(beganAtMs, cutOff, isDrained);
  }

  #soFar(): StopReport {
    const { scheduler } = this.#target;
    return { isDrained: false, tookMs: scheduler.now() - this.#beganAtMs, cutOff: this.#target.unfinished() };
  }

  #leave(): void {
    this.#phase = 'draining';
    this.#draining.abort(new StoppedError('The runtime is stopping.'));
  }

  #report(beganAtMs: number, cutOff: RuntimeUnfinished, isDrained = true): StopReport {
    this.#phase = 'stopped';
    return { isDrained: isDrained && isNothing(cutOff), tookMs: this.#target.scheduler.now() - beganAtMs, cutOff };
  }
}
