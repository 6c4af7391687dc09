import type { Scheduler } from '../../../scheduler/index.js';

/**
 * Pauses between attempts, all of which `end` ends early. They do not listen to a signal: Node warns at the eleventh listener of one.
 *
 *     while (!pauses.haveEnded && !(await attempt())) await pauses.pause(100);
 */
export class Pauses {
  readonly #scheduler: Scheduler;
  readonly #ends = new Set<() => void>();
  #haveEnded = false;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  get haveEnded(): boolean {
    return this.#haveEnded;
  }

  /** Resolves after `delayMs`, or when the pauses end. */
  pause(delayMs: number): Promise<void> {
    if (this.#haveEnded) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        this.#scheduler.clearTimer(timer);
        this.#ends.delete(end);
        resolve();
      };
      const timer = this.#scheduler.setTimer(delayMs, end);
      this.#ends.add(end);
    });
  }

  /** Ends those under way, and all later ones at once. Idempotent. */
  end(): void {
    this.#haveEnded = true;
    for (const end of this.#ends) end();
  }
}
