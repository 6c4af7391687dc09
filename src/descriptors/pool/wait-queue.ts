import { type Abortable, AbortListeners } from '../../abort-listeners.js';
import { BackpressureError } from '../../errors.js';
import { limits } from '../../limits.js';
import type { Scheduler, Timer } from '../../scheduler/index.js';

/** A call that waits for memory. */
export interface Waiter<T> extends Abortable {
  readonly pages: number;
  readonly timer: Timer;
  readonly signal: AbortSignal | undefined;
  resolve(value: T): void;
  reject(error: unknown): void;
}

export interface WaitOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  /** The error of a call that has waited for `timeoutMs`. */
  readonly expired: () => Error;
}

/** Calls that wait for memory, in the order in which they came. Each has a deadline, and may have a signal that aborts it. */
export class WaitQueue<T> {
  readonly #scheduler: Scheduler;
  /** Called after a waiter has given up: the next one may fit. */
  readonly #gaveUp: () => void;
  readonly #entries = new Set<Waiter<T>>();
  readonly #signals = new AbortListeners();

  constructor(scheduler: Scheduler, gaveUp: () => void) {
    this.#scheduler = scheduler;
    this.#gaveUp = gaveUp;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The call that has waited longest. */
  get first(): Waiter<T> | undefined {
    for (const entry of this.#entries) return entry;
    return undefined;
  }

  /** Resolves when the waiter is resolved. Rejects with BackpressureError when too many wait. */
  wait(pages: number, { timeoutMs, signal, expired }: WaitOptions): Promise<T> {
    if (this.#entries.size >= limits.poolWaiters) {
      return Promise.reject(
        new BackpressureError(`${limits.poolWaiters} calls wait for memory of this pool: await each call of allocate.`),
      );
    }
    return new Promise((resolve, reject) => {
      const timer = this.#scheduler.setTimer(timeoutMs, () => this.#giveUp(entry, expired()));
      const aborted = (): void => this.#giveUp(entry, signal?.reason);
      const entry: Waiter<T> = { pages, resolve, reject, timer, signal, aborted };
      this.#entries.add(entry);
      if (signal !== undefined) this.#signals.add(signal, entry);
    });
  }

  /** Removes the waiter. False for one that is not in the queue any more. */
  remove(waiter: Waiter<T>): boolean {
    if (!this.#entries.delete(waiter)) return false;
    this.#scheduler.clearTimer(waiter.timer);
    if (waiter.signal !== undefined) this.#signals.remove(waiter.signal, waiter);
    return true;
  }

  /** Rejects each waiter for which `errorFor` has an error. */
  rejectWhere(errorFor: (waiter: Waiter<T>) => Error | undefined): void {
    for (const entry of this.#entries) {
      const error = errorFor(entry);
      if (error !== undefined && this.remove(entry)) entry.reject(error);
    }
  }

  #giveUp(entry: Waiter<T>, error: unknown): void {
    if (!this.remove(entry)) return;
    entry.reject(error);
    this.#gaveUp();
  }
}
