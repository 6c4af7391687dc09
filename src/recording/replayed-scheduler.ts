import type { Scheduler, Timer } from '../scheduler/index.js';

/**
 * Returns the recorded times and random numbers. Its timers never fire: the recording contains the timers that fired.
 */
export class ReplayedScheduler implements Scheduler {
  readonly isVirtual = true;
  readonly epochMs = 0;
  readonly pendingTimers = 0;
  readonly #draws: number[];
  #outside = 0;
  #unrecorded = 0;

  constructor(draws: readonly number[]) {
    this.#draws = [...draws];
  }

  /** Reads of time or random numbers that the recording does not have. */
  get unrecorded(): number {
    return this.#unrecorded;
  }

  /** Calls of `outside` in progress: real I/O. */
  get outsideWork(): number {
    return this.#outside;
  }

  now(): number {
    return this.#draw();
  }

  random(): number {
    return this.#draw();
  }

  fork(): () => number {
    return () => this.#draw();
  }

  setTimer(delayMs: number): Timer {
    return { atMs: delayMs };
  }

  clearTimer(): void {}

  schedule(turn: () => void): void {
    void Promise.resolve().then(turn);
  }

  scheduleYield(turn: () => void): void {
    this.schedule(turn);
  }

  async outside<T>(work: Promise<T>): Promise<T> {
    this.#outside += 1;
    try {
      return await work;
    } finally {
      this.#outside -= 1;
    }
  }

  #draw(): number {
    const value = this.#draws.shift();
    if (value === undefined) this.#unrecorded += 1;
    return value ?? 0;
  }
}
