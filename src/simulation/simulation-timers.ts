import type { Scheduler, Timer } from '../scheduler/index.js';

/** The timers of the simulation itself, counted separately from those of the simulated cluster. */
export class SimulationTimers {
  readonly #scheduler: Scheduler;
  readonly #timers = new Set<Timer>();

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  get pending(): number {
    return this.#timers.size;
  }

  /** Calls `turn` after `delayMs`. Returns a function that cancels it. */
  after(delayMs: number, turn: () => void): () => void {
    const timer = this.#scheduler.setTimer(delayMs, () => {
      this.#timers.delete(timer);
      turn();
    });
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
      this.#scheduler.clearTimer(timer);
    };
  }

  pass(ms: number): Promise<void> {
    return new Promise((resolve) => void this.after(ms, resolve));
  }

  /** Resolves to whether `isTrue` became true within `withinMs`. Checks every `periodMs`. */
  async until(isTrue: () => boolean, withinMs: number, periodMs = 10): Promise<boolean> {
    const untilMs = this.#scheduler.now() + withinMs;
    while (!isTrue()) {
      if (this.#scheduler.now() >= untilMs) return false;
      await this.pass(periodMs);
    }
    return true;
  }

  /** Resolves to the value of `work`, or to undefined if it takes longer than `ms`. Rejects if `work` rejects. */
  async within<T>(ms: number, work: Promise<T>): Promise<{ readonly value: T } | undefined> {
    let cancel = (): void => {};
    const overdue = new Promise<undefined>((resolve) => {
      cancel = this.after(ms, () => resolve(undefined));
    });
    try {
      return await Promise.race([work.then((value) => ({ value })), overdue]);
    } finally {
      cancel();
    }
  }
}
