import { StoppedError, UnreachableError } from '../errors.js';
import { limits } from '../limits.js';
import type { Scheduler } from '../scheduler/index.js';
import type { StoreCall } from './cluster-store.js';

/** The calls of one store: each has a deadline, and none outlives the store. */
export class Calls {
  readonly #address: string;
  readonly #scheduler: Scheduler;
  readonly #closed = new AbortController();
  /** What ends each call that has not settled: a signal with more than ten listeners is a leak to Node. */
  readonly #pending = new Set<() => void>();

  constructor(address: string, scheduler: Scheduler) {
    this.#address = address;
    this.#scheduler = scheduler;
  }

  /** Aborted when the store is closed. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  /** Settles as `work` does, which gets the time of the deadline. Rejects with UnreachableError at the deadline, and with StoppedError when the store is closed. */
  run<T>(
    what: string,
    { timeoutMs = limits.storeTimeoutMs }: StoreCall,
    work: (untilMs: number) => Promise<T>,
  ): Promise<T> {
    if (this.#closed.signal.aborted) return Promise.reject(this.#wasClosed());
    return new Promise<T>((resolve, reject) => {
      const late = (): void =>
        reject(
          new UnreachableError(`The cluster store ${this.#address} did not ${what} within ${Math.ceil(timeoutMs)} ms.`),
        );
      const closed = (): void => reject(this.#wasClosed());
      const timer = this.#scheduler.setTimer(timeoutMs, late);
      this.#pending.add(closed);
      void work(this.#scheduler.now() + timeoutMs)
        .then(resolve, reject)
        .finally(() => {
          this.#scheduler.clearTimer(timer);
          this.#pending.delete(closed);
        });
    });
  }

  close(): void {
    this.#closed.abort();
    for (const closed of this.#pending) closed();
  }

  #wasClosed(): StoppedError {
    return new StoppedError(`The cluster store ${this.#address} is closed.`);
  }
}
