import type { ProcessOwners } from '../../process-identity.js';
import { AskAbortedError, ConfigError, StoppedError } from '../../errors.js';
import { limits } from '../../limits.js';
import type { Scheduler } from '../../scheduler/index.js';
import type { LeaseOptions, StoreLease } from '../cluster-store.js';
import { type LeaseCalls, LeaseKeeper } from './lease-keeper.js';
import { LeaseMachine } from './lease-machine.js';

/** Nobody can tell: a lease ends by its time. */
const UNKNOWN_OWNERS: ProcessOwners = { own: '', isGone: () => false };

/** The leases of one store in this process: those that are held, and those that are waited for. */
export class Leases {
  readonly #store: LeaseCalls;
  readonly #scheduler: Scheduler;
  readonly #owners: ProcessOwners;
  readonly #closing = new AbortController();
  readonly #held = new Set<LeaseKeeper>();
  readonly #waits = new Set<Promise<unknown>>();

  constructor(store: LeaseCalls, scheduler: Scheduler, owners: ProcessOwners = UNKNOWN_OWNERS) {
    this.#store = store;
    this.#scheduler = scheduler;
    this.#owners = owners;
  }

  async acquire(key: string, holder: Uint8Array, { ttlMs, after = 0n, signal }: LeaseOptions): Promise<StoreLease> {
    const { address } = this.#store;
    if (!(ttlMs >= limits.shortestLeaseMs)) {
      throw new ConfigError(`A lease needs a ttlMs of at least ${limits.shortestLeaseMs}, not ${String(ttlMs)}.`);
    }
    const terms = { holder, ttlMs, after, token: this.#token(), owner: this.#owners.own };
    const machine = new LeaseMachine(terms, (owner) => this.#owners.isGone(owner));
    const keeper = new LeaseKeeper(this.#store, this.#scheduler, key, machine);
    const stopped = signal === undefined ? this.#closing.signal : AbortSignal.any([signal, this.#closing.signal]);
    if (await this.#wait(keeper, stopped)) {
      this.#held.add(keeper);
      void keeper.ended.then(() => this.#held.delete(keeper));
      return keeper;
    }
    if (this.#closing.signal.aborted) throw new StoppedError(`The cluster store ${address} was closed.`);
    throw new AskAbortedError(`The wait for the lease "${key}" of ${address} was aborted.`, { cause: signal?.reason });
  }

  /** Ends all waits, and gives up what is held. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled(this.#waits);
    await Promise.all([...this.#held].map((keeper) => keeper.release()));
  }

  /** Ends everything, and writes nothing. */
  abandon(): void {
    this.#closing.abort();
    for (const keeper of this.#held) keeper.abandon();
  }

  async #wait(keeper: LeaseKeeper, stopped: AbortSignal): Promise<boolean> {
    const wait = keeper.acquire(stopped);
    this.#waits.add(wait);
    try {
      return await wait;
    } finally {
      this.#waits.delete(wait);
    }
  }

  #token(): string {
    const part = (): string => this.#scheduler.random().toString(36).slice(2);
    return `${part()}${part()}`;
  }
}
