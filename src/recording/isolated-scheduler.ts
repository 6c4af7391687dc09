import { AsyncResource } from 'node:async_hooks';
import type { Scheduler, Timer } from '../scheduler/index.js';

/**
 * Runs each turn and timer in the asynchronous context in which the scheduler was made, not in that of the caller. Otherwise the actions
 * of an actor that handles a message would be recorded for the actor that sent it.
 */
export class IsolatedScheduler implements Scheduler {
  readonly isVirtual: boolean;
  readonly epochMs: number;
  readonly #inner: Scheduler;
  readonly #outermost = new AsyncResource('millrace.turn');

  constructor(inner: Scheduler) {
    this.isVirtual = inner.isVirtual;
    this.epochMs = inner.epochMs;
    this.#inner = inner;
  }

  get pendingTimers(): number {
    return this.#inner.pendingTimers;
  }

  now(): number {
    return this.#inner.now();
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    return this.#inner.setTimer(delayMs, () => this.#outermost.runInAsyncScope(callback));
  }

  clearTimer(timer: Timer): void {
    this.#inner.clearTimer(timer);
  }

  schedule(turn: () => void): void {
    this.#inner.schedule(() => this.#outermost.runInAsyncScope(turn));
  }

  scheduleYield(turn: () => void): void {
    this.#inner.scheduleYield(() => this.#outermost.runInAsyncScope(turn));
  }

  random(): number {
    return this.#inner.random();
  }

  fork(name: string): () => number {
    return this.#inner.fork(name);
  }

  outside<T>(work: Promise<T>): Promise<T> {
    return this.#inner.outside(work);
  }
}
