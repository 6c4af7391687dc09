import type { Scheduler, Timer } from '../scheduler/index.js';

/** The timers of a simulation itself, counted apart from those of what it simulates. */
export class Timetable {
  readonly #scheduler: Scheduler;
  readonly #timers = new Set<Timer>();

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  get pending(): number {
    return this.#timers.size;
  }

  /** Returns what takes it back. */
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

  /** Resolves to whether `isTrue` became true within that time; looks every `periodMs`. */
  async until(isTrue: () => boolean, withinMs: number, periodMs = 10): Promise<boolean> {
    const untilMs = this.#scheduler.now() + withinMs;
    while (!isTrue()) {
      if (this.#scheduler.now() >= untilMs) return false;
      await this.pass(periodMs);
    }
    return true;
  }

  /** The value of `work`, or undefined where it takes longer. Rejects as it does. */
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
