import { clearImmediate, setImmediate } from './node-timers.js';
import { OutsideWork } from './outside-work.js';
import { randomStream, type RandomStream } from './random-stream.js';
import { throwUncaught } from './report-error.js';
import type { Scheduler, Timer } from './scheduler.js';
import { HeapTimer, TimerHeap } from './timer-heap.js';
import { RingQueue } from '../ring-queue.js';
import { type UndeclaredWork, UndeclaredWorkDetector } from './undeclared-work.js';

export interface VirtualSchedulerOptions {
  /** Equal seeds give equal runs. */
  readonly seed: number | string;
  /** Called with what a turn or a timer throws. The others go on. Default: an uncaught exception. */
  readonly onError?: (error: unknown) => void;
  /**
   * Gets every line of user code that begins a real timer or I/O which `outside` is not told of, once. Found by async_hooks, which
   * slow every promise of the thread down; without this they are off.
   */
  readonly onUndeclared?: (work: UndeclaredWork) => void;
}

/**
 * Runs a program from a seed, as fast as possible, in a repeatable order. It takes one step in each turn of the real event loop, so that
 * microtasks drain in between. The next step is always the first of these:
 *
 *     1. the oldest scheduled turn
 *     2. the next timer that is due
 *     3. the oldest turn of `scheduleYield`
 *     4. while outside work is pending: wait for the completion of the oldest
 *     5. the next timer; time moves to it
 *
 * With none of these it sleeps, and does not keep the process alive.
 *
 *     const scheduler = new VirtualScheduler({ seed: 7 });
 *     scheduler.setTimer(60_000, () => console.log(scheduler.now())); // prints 60000 at once
 */
export class VirtualScheduler implements Scheduler {
  readonly isVirtual = true;
  readonly epochMs = 0;
  readonly seed: number | string;
  readonly random: RandomStream;
  readonly #onError: (error: unknown) => void;
  readonly #turns = new RingQueue<() => void>();
  readonly #yielded = new RingQueue<() => void>();
  readonly #timers = new TimerHeap();
  readonly #detector: UndeclaredWorkDetector | undefined;
  readonly #outside = new OutsideWork(() => this.#outsideSettled());
  readonly #step = (): void => this.#runOne();
  #nowMs = 0;
  #timersSet = 0;
  #armed: NodeJS.Immediate | undefined;
  #isClosed = false;

  constructor(options: VirtualSchedulerOptions) {
    this.seed = options.seed;
    this.#onError = options.onError ?? throwUncaught;
    this.random = this.fork('');
    const { onUndeclared } = options;
    this.#detector = onUndeclared && new UndeclaredWorkDetector(onUndeclared);
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
    // A timer at infinity must neither stop time for the others, nor be where time moves to last.
    if (!this.#isClosed && timer.atMs < Number.POSITIVE_INFINITY) this.#timers.add(timer);
    this.#arm();
    return timer;
  }

  clearTimer(timer: Timer): void {
    if (timer instanceof HeapTimer) this.#timers.remove(timer);
  }

  schedule(turn: () => void): void {
    if (!this.#isClosed) this.#turns.push(turn);
    this.#arm();
  }

  scheduleYield(turn: () => void): void {
    if (!this.#isClosed) this.#yielded.push(turn);
    this.#arm();
  }

  fork(name: string): RandomStream {
    return randomStream(`${this.seed}/${name}`);
  }

  outside<T>(work: Promise<T>): Promise<T> {
    this.#detector?.declare(work);
    return this.#isClosed ? work : this.#outside.add(work);
  }

  /** Drops all turns and timers. Nothing runs after it, but outside work still completes. Idempotent. */
  close(): void {
    this.#isClosed = true;
    this.#turns.clear();
    this.#yielded.clear();
    this.#timers.clear();
    if (this.#armed !== undefined) clearImmediate(this.#armed);
    this.#armed = undefined;
    this.#outside.deliverSettled();
    this.#detector?.close();
  }

  #arm(): void {
    if (this.#armed !== undefined || this.#isClosed) return;
    const arm = (): NodeJS.Immediate => setImmediate(this.#step);
    this.#armed = this.#detector === undefined ? arm() : this.#detector.own(arm);
  }

  #runOne(): void {
    this.#armed = undefined;
    this.#detector?.tell();
    const next = this.#takeNext();
    if (next === undefined) return;
    this.#arm();
    try {
      next();
    } catch (error) {
      this.#onError(error);
    }
  }

  #takeNext(): (() => void) | undefined {
    return this.#turns.shift() ?? this.#takeTimer(this.#nowMs) ?? this.#yielded.shift() ?? this.#waitOrAdvance();
  }

  #waitOrAdvance(): (() => void) | undefined {
    if (this.#outside.pending > 0) return this.#outside.takeOldest();
    return this.#takeTimer(Number.POSITIVE_INFINITY);
  }

  #takeTimer(untilMs: number): (() => void) | undefined {
    const timer = this.#timers.next;
    if (timer === undefined || timer.atMs > untilMs) return undefined;
    this.#timers.remove(timer);
    this.#nowMs = Math.max(this.#nowMs, timer.atMs);
    return timer.callback;
  }

  #outsideSettled(): void {
    if (this.#isClosed) this.#outside.deliverSettled();
    else this.#arm();
  }
}
