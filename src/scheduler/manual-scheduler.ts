import { type RandomStream, randomStream } from './random-stream.js';
import type { Scheduler, Timer } from './scheduler.js';
import { HeapTimer, TimerHeap } from './timer-heap.js';
import { RingQueue } from '../ring-queue.js';

/**
 * Time moves only by `advance`: for tests that check a program between two moments.
 *
 *     const scheduler = new ManualScheduler({ seed: 7 });
 *     scheduler.setTimer(50, ring);
 *     scheduler.advance(50); // rings, before it returns
 */
export class ManualScheduler implements Scheduler {
  readonly isVirtual = true;
  readonly epochMs = 0;
  readonly random: RandomStream;
  readonly #seed: number | string;
  readonly #turns = new RingQueue<() => void>();
  readonly #timers = new TimerHeap();
  #nowMs = 0;
  #timersSet = 0;

  constructor(options: { readonly seed: number | string }) {
    this.#seed = options.seed;
    this.random = this.fork('');
  }

  get pendingTimers(): number {
    return this.#timers.size;
  }

  now(): number {
    return this.#nowMs;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const timer = new HeapTimer(this.#nowMs + Math.max(0, delayMs), this.#timersSet, callback);
    this.#timersSet += 1;
    this.#timers.add(timer);
    return timer;
  }

  clearTimer(timer: Timer): void {
    if (timer instanceof HeapTimer) this.#timers.remove(timer);
  }

  schedule(turn: () => void): void {
    this.#turns.push(turn);
  }

  scheduleYield(turn: () => void): void {
    this.#turns.push(turn);
  }

  fork(name: string): RandomStream {
    return randomStream(`${this.#seed}/${name}`);
  }

  outside<T>(work: Promise<T>): Promise<T> {
    return work;
  }

  /** Runs scheduled turns, then moves time by `ms`. Every timer that becomes due fires at its time. Throws what a timer or a turn throws. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (let next = this.#takeNext(untilMs); next !== undefined; next = this.#takeNext(untilMs)) next();
    this.#nowMs = untilMs;
  }

  #takeNext(untilMs: number): (() => void) | undefined {
    const turn = this.#turns.shift();
    if (turn !== undefined) return turn;
    const timer = this.#timers.next;
    if (timer === undefined || timer.atMs > untilMs) return undefined;
    this.#timers.remove(timer);
    this.#nowMs = timer.atMs;
    return timer.callback;
  }
}
