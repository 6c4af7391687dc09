import { clearTimeout, nowMs, setImmediate, setTimeout } from './node-timers.js';
import { randomStream, type RandomStream } from './random-stream.js';
import { throwUncaught } from './report-error.js';
import type { Scheduler, Timer } from './scheduler.js';
import { RingQueue } from '../ring-queue.js';

/** After this many turns the next one waits for the event loop, so that turns that schedule turns cannot starve I/O. */
const TURNS_BEFORE_IO = 1024;

/** `setTimeout` takes 31 bits; longer timers are set again when these have passed. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

export interface RealSchedulerOptions {
  /** Makes `random` and `fork` repeatable. Default: Math.random. */
  readonly seed?: number | string;
  /** Called with what a turn or a timer throws. The others go on. Default: an uncaught exception. */
  readonly onError?: (error: unknown) => void;
}

/** The event loop and the clock of this thread. Turns are microtasks; timers never fire early. */
export class RealScheduler implements Scheduler {
  readonly isVirtual = false;
  readonly epochMs = performance.timeOrigin;
  readonly random: RandomStream;
  readonly #seed: number | string | undefined;
  readonly #onError: (error: unknown) => void;
  readonly #turns = new RingQueue<() => void>();
  // A reaction of a settled promise costs a third of queueMicrotask.
  readonly #settled = Promise.resolve();
  readonly #runNext = (): void => this.#runOne();
  readonly #runYielded = (turn: () => void): void => this.#run(turn);
  #isArmed = false;
  #turnsRun = 0;
  #pendingTimers = 0;

  constructor(options: RealSchedulerOptions = {}) {
    this.#seed = options.seed;
    this.#onError = options.onError ?? throwUncaught;
    this.random = this.fork('');
  }

  get pendingTimers(): number {
    return this.#pendingTimers;
  }

  now(): number {
    return nowMs();
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const timer = new RealTimer(this.now() + Math.max(0, delayMs), () => {
      this.#pendingTimers -= 1;
      this.#run(callback);
    });
    this.#pendingTimers += 1;
    timer.arm(this.now());
    return timer;
  }

  clearTimer(timer: Timer): void {
    if (timer instanceof RealTimer && timer.disarm()) this.#pendingTimers -= 1;
  }

  schedule(turn: () => void): void {
    this.#turns.push(turn);
    if (!this.#isArmed) this.#arm();
  }

  scheduleYield(turn: () => void): void {
    setImmediate(this.#runYielded, turn);
  }

  fork(name: string): RandomStream {
    return this.#seed === undefined ? Math.random : randomStream(`${this.#seed}/${name}`);
  }

  outside<T>(work: Promise<T>): Promise<T> {
    return work;
  }

  #arm(): void {
    this.#isArmed = true;
    this.#turnsRun += 1;
    if (this.#turnsRun % TURNS_BEFORE_IO === 0) setImmediate(this.#runNext);
    else void this.#settled.then(this.#runNext);
  }

  #runOne(): void {
    const turn = this.#turns.shift();
    if (turn !== undefined) this.#run(turn);
    this.#isArmed = false;
    if (this.#turns.size > 0) this.#arm();
  }

  #run(turn: () => void): void {
    try {
      turn();
    } catch (error) {
      this.#onError(error);
    }
  }
}

/** Sets its timeout again while there is time left: the event loop's clock lags behind and makes timeouts fire early. */
class RealTimer implements Timer {
  readonly atMs: number;
  readonly #fire: () => void;
  #timeout: NodeJS.Timeout | undefined;

  constructor(atMs: number, fire: () => void) {
    this.atMs = atMs;
    this.#fire = fire;
  }

  arm(fromMs: number): void {
    const delayMs = Math.min(Math.ceil(this.atMs - fromMs), LONGEST_TIMEOUT_MS);
    this.#timeout = setTimeout(() => {
      const firedMs = nowMs();
      if (firedMs < this.atMs) return this.arm(firedMs);
      this.#timeout = undefined;
      this.#fire();
    }, delayMs);
  }

  /** Returns false if the timer has fired or was disarmed already. */
  disarm(): boolean {
    if (this.#timeout === undefined) return false;
    clearTimeout(this.#timeout);
    this.#timeout = undefined;
    return true;
  }
}
