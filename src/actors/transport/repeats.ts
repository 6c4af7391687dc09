import type { Scheduler, Timer } from '../../scheduler/index.js';

/** Time after which an unanswered control message is sent again, in ms. */
const REPEAT_MS = 500;

/** Keeps control messages until they are answered. */
export interface Repeater {
  readonly needsRepeat: boolean;
  repeat(): void;
}

/** On a link that may lose frames: sends unanswered control messages again, for as long as there are any. */
export class Repeats {
  readonly #scheduler: Scheduler;
  readonly #repeaters: readonly Repeater[];
  #timer: Timer | undefined;

  constructor(scheduler: Scheduler, repeaters: readonly Repeater[]) {
    this.#scheduler = scheduler;
    this.#repeaters = repeaters;
  }

  /** There may be a control message to repeat. */
  plan(): void {
    if (this.#timer !== undefined || !this.#repeaters.some(({ needsRepeat }) => needsRepeat)) {
      return;
    }
    this.#timer = this.#scheduler.setTimer(REPEAT_MS, () => {
      this.#timer = undefined;
      for (const repeater of this.#repeaters) {
        repeater.repeat();
      }
      this.plan();
    });
  }

  close(): void {
    if (this.#timer !== undefined) {
      this.#scheduler.clearTimer(this.#timer);
    }
  }
}
