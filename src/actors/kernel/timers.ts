import { ConfigError } from '../../errors.js';
import { shownValue } from '../../foreign.js';
import type { Scheduler, Timer } from '../../scheduler/index.js';

/** An actor's queue of signals: each runs in a turn of the actor, before its messages. */
export interface SignalLane {
  /** A promise that `turn` returns holds the actor, as a handler's promise does. */
  signal(turn: () => unknown): void;
}

/** A timer of an actor. When it fires, it queues a signal; the callback runs in a turn of the actor. */
export class ActorTimer implements Timer {
  atMs: number;
  readonly #timers: ActorTimers;
  readonly #callback: () => unknown;
  readonly #periodMs: number | undefined;
  #armed: Timer;
  #isWaitingForTurn = false;
  readonly key: string | undefined;

  constructor(
    timers: ActorTimers,
    delayMs: number,
    periodMs: number | undefined,
    callback: () => unknown,
    key: string | undefined,
  ) {
    this.#timers = timers;
    this.key = key;
    this.#callback = callback;
    this.#periodMs = periodMs;
    this.#armed = timers.scheduler.setTimer(delayMs, this.#fire);
    this.atMs = this.#armed.atMs;
  }

  clear(): void {
    this.#timers.scheduler.clearTimer(this.#armed);
  }

  readonly #fire = (): void => {
    if (this.#periodMs !== undefined) {
      const scheduler = this.#timers.scheduler;
      // Relative to the time at which it was due, so that a late turn does not delay all later ones.
      this.#armed = scheduler.setTimer(Math.max(0, this.atMs + this.#periodMs - scheduler.now()), this.#fire);
      this.atMs = this.#armed.atMs;
    }
    if (this.#isWaitingForTurn) return;
    this.#isWaitingForTurn = true;
    this.#timers.lane.signal(this.#run);
  };

  readonly #run = (): unknown => {
    this.#isWaitingForTurn = false;
    if (!this.#timers.all.has(this)) return undefined;
    if (this.#periodMs === undefined) this.#timers.forget(this);
    return this.#callback();
  };
}

/** The timers of one actor; they end together. */
export class ActorTimers {
  readonly all = new Set<ActorTimer>();
  readonly #keyed = new Map<string, ActorTimer>();
  readonly scheduler: Scheduler;
  readonly lane: SignalLane;

  constructor(scheduler: Scheduler, lane: SignalLane) {
    this.scheduler = scheduler;
    this.lane = lane;
  }

  /** A timer with the key of another replaces it. */
  add(delayMs: number, periodMs: number | undefined, callback: () => unknown, key?: string): Timer {
    if (typeof delayMs !== 'number' || !(delayMs >= 0) || periodMs === 0) {
      throw new ConfigError(
        `a timer needs a delay of at least 0 ms, or a period above 0 ms, not ${shownValue(delayMs)}`,
      );
    }
    if (typeof callback !== 'function') {
      throw new ConfigError(`a timer needs a function to call, not ${shownValue(callback)}`);
    }
    if (key !== undefined) this.cancel(key);
    const timer = new ActorTimer(this, delayMs, periodMs, callback, key);
    this.all.add(timer);
    if (key !== undefined) this.#keyed.set(key, timer);
    return timer;
  }

  /** A timer, or its key. */
  cancel(cancelled: Timer | string): void {
    const timer = typeof cancelled === 'string' ? this.#keyed.get(cancelled) : cancelled;
    if (timer instanceof ActorTimer && this.forget(timer)) timer.clear();
  }

  /** It will not be called again. False when it was not waiting. */
  forget(timer: ActorTimer): boolean {
    const { key } = timer;
    if (key !== undefined && this.#keyed.get(key) === timer) this.#keyed.delete(key);
    return this.all.delete(timer);
  }

  clear(): void {
    for (const timer of this.all) timer.clear();
    this.all.clear();
    this.#keyed.clear();
  }
}
