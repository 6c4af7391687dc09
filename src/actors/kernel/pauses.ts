import { AbortListeners } from '../../abort-listeners.js';
import type { Scheduler } from '../../scheduler/index.js';

/**
 * Pauses between attempts, all of which `end` ends early.
 *
 *     while (!pauses.haveEnded && !(await attempt())) await pauses.pause(100);
 */
export class Pauses {
  readonly #scheduler: Scheduler;
  readonly #ends = new Set<() => void>();
  readonly #signals = new AbortListeners();
  #haveEnded = false;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  get haveEnded(): boolean {
    return this.#haveEnded;
  }

  /** Resolves after `delayMs`, when the pauses end, or when `signal` is aborted. */
  pause(delayMs: number, signal?: AbortSignal): Promise<void> {
    if (this.#haveEnded || signal?.aborted === true) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        this.#scheduler.clearTimer(timer);
        if (signal !== undefined) this.#signals.remove(signal, call);
        this.#ends.delete(end);
        resolve();
      };
      const call = { aborted: end };
      const timer = this.#scheduler.setTimer(delayMs, end);
      if (signal !== undefined) this.#signals.add(signal, call);
      this.#ends.add(end);
    });
  }

  /** Ends those under way, and all later ones at once. Idempotent. */
  end(): void {
    this.#haveEnded = true;
    for (const end of this.#ends) end();
  }
}
