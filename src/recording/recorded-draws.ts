import type { Scheduler, Timer } from '../scheduler/index.js';

/** A scheduler that records the times and random numbers that it returns. */
export class RecordedDraws implements Scheduler {
  readonly isVirtual: boolean;
  readonly epochMs: number;
  readonly #inner: Scheduler;
  readonly #drawn: (value: number) => void;

  constructor(inner: Scheduler, drawn: (value: number) => void) {
    this.isVirtual = inner.isVirtual;
    this.epochMs = inner.epochMs;
    this.#inner = inner;
    this.#drawn = drawn;
  }

  get pendingTimers(): number {
    return this.#inner.pendingTimers;
  }

  now(): number {
    return this.#keep(this.#inner.now());
  }

  random(): number {
    return this.#keep(this.#inner.random());
  }

  fork(name: string): () => number {
    const stream = this.#inner.fork(name);
    return () => this.#keep(stream());
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    return this.#inner.setTimer(delayMs, callback);
  }

  clearTimer(timer: Timer): void {
    this.#inner.clearTimer(timer);
  }

  schedule(turn: () => void): void {
    this.#inner.schedule(turn);
  }

  scheduleYield(turn: () => void): void {
    this.#inner.scheduleYield(turn);
  }

  outside<T>(work: Promise<T>): Promise<T> {
    return this.#inner.outside(work);
  }

  #keep(value: number): number {
    this.#drawn(value);
    return value;
  }
}
