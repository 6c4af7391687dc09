import { MillraceError, StoppedError, UnreachableError } from '../errors.js';
import { limits } from '../limits.js';
import type { Scheduler } from '../scheduler/index.js';
import type { StoreCall } from './cluster-store.js';

/** Who wants to write may have nothing to write for a while: then a failure counts no longer than this, in ms. */
const TROUBLE_MS = 2 * limits.storeTimeoutMs;

type Kind = 'read' | 'write';

interface Trouble {
  readonly error: MillraceError;
  readonly atMs: number;
}

/** The calls of one store: each has a deadline, and none outlives the store. Knows which kind of them fails at present. */
export class Calls {
  readonly #address: string;
  readonly #scheduler: Scheduler;
  readonly #closed = new AbortController();
  readonly #troubles = new Map<Kind, Trouble>();
  readonly #listeners: ((trouble: MillraceError | undefined) => void)[] = [];
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

  get trouble(): MillraceError | undefined {
    const sinceMs = this.#scheduler.now() - TROUBLE_MS;
    return [...this.#troubles.values()].find(({ atMs }) => atMs >= sinceMs)?.error;
  }

  onTrouble(listener: (trouble: MillraceError | undefined) => void): void {
    this.#listeners.push(listener);
  }

  /** Settles as `work` does, which gets the time of the deadline. Rejects with UnreachableError at the deadline, and with StoppedError when the store is closed. */
  run<T>(
    kind: Kind,
    { timeoutMs = limits.storeTimeoutMs }: StoreCall,
    work: (untilMs: number) => Promise<T>,
  ): Promise<T> {
    const call = this.#timed(kind, timeoutMs, work);
    call.then(
      () => this.#ended(kind, undefined),
      (error: unknown) => this.#ended(kind, error),
    );
    return call;
  }

  close(): void {
    this.#closed.abort();
    for (const closed of this.#pending) closed();
  }

  #timed<T>(kind: Kind, timeoutMs: number, work: (untilMs: number) => Promise<T>): Promise<T> {
    if (this.#closed.signal.aborted) return Promise.reject(this.#wasClosed());
    return new Promise<T>((resolve, reject) => {
      const late = (): void =>
        reject(
          new UnreachableError(`The cluster store ${this.#address} did not ${kind} within ${Math.ceil(timeoutMs)} ms.`),
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

  /** Tells of a change, and of nothing that is as it was. */
  #ended(kind: Kind, error: unknown): void {
    const before = this.trouble;
    if (error === undefined) this.#troubles.delete(kind);
    else if (error instanceof MillraceError && !(error instanceof StoppedError)) {
      this.#troubles.set(kind, { error, atMs: this.#scheduler.now() });
    } else return;
    const { trouble } = this;
    if (trouble?.code === before?.code) return;
    for (const listener of this.#listeners) listener(trouble);
  }

  #wasClosed(): StoppedError {
    return new StoppedError(`The cluster store ${this.#address} is closed.`);
  }
}
