import type { Scheduler, Timer } from '../../scheduler/index.js';
import type { SignalLane } from './timers.js';

/**
 * Detects that an actor has handled no message for `timeoutMs`, and again after each further period. A message needs no timer: a turn
 * that handled messages records the time, and the timer, when it fires, is set again for the rest.
 */
export class IdleTimeout {
  readonly #timeoutMs: number;
  readonly #scheduler: Scheduler;
  readonly #lane: SignalLane;
  readonly #isBusy: () => boolean;
  readonly #idle: () => unknown;
  #lastMs: number;
  #timer: Timer | undefined;

  /** `idle` runs in a turn of the actor through `lane`, unless `isBusy` returns true then, because messages wait. */
  constructor(timeoutMs: number, scheduler: Scheduler, lane: SignalLane, isBusy: () => boolean, idle: () => unknown) {
    this.#timeoutMs = timeoutMs;
    this.#scheduler = scheduler;
    this.#lane = lane;
    this.#isBusy = isBusy;
    this.#idle = idle;
    this.#lastMs = scheduler.now();
    this.#arm(timeoutMs);
  }

  /** Messages were handled. */
  touch(): void {
    this.#lastMs = this.#scheduler.now();
  }

  close(): void {
    if (this.#timer !== undefined) this.#scheduler.clearTimer(this.#timer);
    this.#timer = undefined;
  }

  get #leftMs(): number {
    return this.#lastMs + this.#timeoutMs - this.#scheduler.now();
  }

  #arm(delayMs: number): void {
    this.#timer = this.#scheduler.setTimer(delayMs, this.#fire);
  }

  readonly #fire = (): void => {
    const leftMs = this.#leftMs;
    if (leftMs > 0) this.#arm(leftMs);
    else this.#lane.signal(this.#run);
  };

  readonly #run = (): unknown => {
    if (this.#timer === undefined) return undefined;
    const leftMs = this.#leftMs;
    if (leftMs > 0) return this.#arm(leftMs);
    this.touch();
    this.#arm(this.#timeoutMs);
    return this.#isBusy() ? undefined : this.#idle();
  };
}
