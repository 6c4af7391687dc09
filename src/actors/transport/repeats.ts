import type { Scheduler, Timer } from '../../scheduler/index.js';

/** Time after which an unanswered control message is sent again, in ms. */
const REPEAT_MS = 500;

/** What sends its control messages again until they are answered. */
interface Repeating {
  readonly needsRepeat: boolean;
  repeat(): void;
}

/** Repeats control messages on a link that may lose frames, while one of them is unanswered. */
export class Repeats {
  readonly #scheduler: Scheduler;
  readonly #parts: readonly Repeating[];
  #timer: Timer | undefined;

  constructor(scheduler: Scheduler, parts: readonly Repeating[]) {
    this.#scheduler = scheduler;
    this.#parts = parts;
  }

  /** A message may be unanswered. */
  plan(): void {
    if (this.#timer !== undefined || !this.#parts.some(({ needsRepeat }) => needsRepeat)) return;
    this.#timer = this.#scheduler.setTimer(REPEAT_MS, () => {
      this.#timer = undefined;
      for (const part of this.#parts) part.repeat();
      this.plan();
    });
  }

  stop(): void {
    if (this.#timer !== undefined) this.#scheduler.clearTimer(this.#timer);
    this.#timer = undefined;
  }
}
