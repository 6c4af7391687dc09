import type { Scheduler } from '../../scheduler/index.js';

/** Those who wait until something holds of what changes. */
export class Waiters {
  readonly #scheduler: Scheduler;
  /** Called after each change, while somebody waits for one. */
  readonly #checks = new Set<() => void>();

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  /** Resolves when the condition holds, and at the deadline. */
  until(isTrue: () => boolean, deadlineMs: number): Promise<void> {
    if (isTrue()) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        this.#scheduler.clearTimer(timer);
        this.#checks.delete(check);
        resolve();
      };
      const check = (): void => {
        if (isTrue()) end();
      };
      const timer = this.#scheduler.setTimer(Math.max(0, deadlineMs - this.#scheduler.now()), end);
      this.#checks.add(check);
    });
  }

  /** Something has changed. */
  progressed(): void {
    for (const check of this.#checks) check();
  }
}
