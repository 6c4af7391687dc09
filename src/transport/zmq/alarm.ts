import type { Scheduler, Timer } from '../../scheduler/index.js';

/** One timer that is set again and again. */
export class Alarm {
  readonly #scheduler: Scheduler;
  readonly #callback: () => void;
  #timer: Timer | undefined;
  #lastMs = 0;

  constructor(scheduler: Scheduler, callback: () => void) {
    this.#scheduler = scheduler;
    this.#callback = callback;
  }

  /** Rings after `delayMs`, unless it is set already: then it rings when it was to ring before. */
  setIfUnset(delayMs: number): void {
    if (this.#timer === undefined) this.set(delayMs);
  }

  /** Rings after twice the time of last time, at most after `longestMs`. */
  setLonger(longestMs: number): void {
    this.set(Math.min(longestMs, this.#lastMs * 2));
  }

  set(delayMs: number): void {
    this.clear();
    this.#lastMs = delayMs;
    this.#timer = this.#scheduler.setTimer(delayMs, () => {
      this.#timer = undefined;
      this.#callback();
    });
  }

  clear(): void {
    if (this.#timer !== undefined) this.#scheduler.clearTimer(this.#timer);
    this.#timer = undefined;
  }
}
