import { limits } from '../limits.js';
import type { Scheduler, Timer } from '../scheduler/index.js';

/** The time that frames on their way have to arrive when a link ends. */
export class Linger {
  readonly #scheduler: Scheduler;
  readonly #tooLate: () => void;
  #timer: Timer | undefined;

  /** `tooLate` is called `limits.linkLingerMs` after `begin`, unless `end` was called. */
  constructor(scheduler: Scheduler, tooLate: () => void) {
    this.#scheduler = scheduler;
    this.#tooLate = tooLate;
  }

  get isRunning(): boolean {
    return this.#timer !== undefined;
  }

  begin(): void {
    this.#timer ??= this.#scheduler.setTimer(limits.linkLingerMs, () => {
      this.#timer = undefined;
      this.#tooLate();
    });
  }

  end(): void {
    if (this.#timer !== undefined) this.#scheduler.clearTimer(this.#timer);
    this.#timer = undefined;
  }
}
