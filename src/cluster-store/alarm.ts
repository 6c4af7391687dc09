import type { Scheduler, Timer } from '../scheduler/index.js';

/** A pause that can be cut short. One caller at a time waits. */
export class Alarm {
  readonly #scheduler: Scheduler;
  #timer: Timer | undefined;
  #wake: (() => void) | undefined;
  #isRung = false;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  /** Resolves at that time, or when `ring` is called: at once if that was called since the last pause. */
  at(timeMs: number): Promise<void> {
    if (this.#isRung) {
      this.#isRung = false;
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.#timer = this.#scheduler.setTimer(Math.max(0, timeMs - this.#scheduler.now()), () => this.#end());
    });
  }

  ring(): void {
    if (this.#wake === undefined) this.#isRung = true;
    else this.#end();
  }

  #end(): void {
    if (this.#timer !== undefined) this.#scheduler.clearTimer(this.#timer);
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
