import type { MillraceError } from '../errors.js';
import { limits } from '../limits.js';
import type { ProcessOwners } from '../process-identity.js';
import { type Scheduler, settledWithin } from '../scheduler/index.js';
import { Calls } from './calls.js';
import type { ClusterStore, LeaseOptions, SetResult, StoreCall, StoreEntry, StoreLease } from './cluster-store.js';
import { checkKey, checkValue } from './keys.js';
import { Leases } from './lease/leases.js';
import { watch } from './watch.js';

export interface BaseStoreParts {
  readonly address: string;
  readonly scheduler: Scheduler;
  /** Time between two looks of a watch, in ms. */
  readonly watchMs: number;
  readonly owners?: ProcessOwners;
}

/** What all stores have in common: checks of keys and values, deadlines, leases, watches and the end. A store reads and writes one key. */
export abstract class BaseStore implements ClusterStore {
  readonly address: string;
  protected readonly calls: Calls;
  protected readonly scheduler: Scheduler;
  readonly #watchMs: number;
  readonly #leases: Leases;
  #closing: Promise<void> | undefined;

  protected constructor({ address, scheduler, watchMs, owners }: BaseStoreParts) {
    this.address = address;
    this.scheduler = scheduler;
    this.calls = new Calls(address, scheduler);
    this.#watchMs = watchMs;
    this.#leases = new Leases(this, scheduler, owners);
  }

  get trouble(): MillraceError | undefined {
    return this.calls.trouble;
  }

  onTrouble(listener: (trouble: MillraceError | undefined) => void): void {
    this.calls.onTrouble(listener);
  }

  /** Its work gets the time of its deadline. */
  protected abstract read(key: string, untilMs: number): Promise<StoreEntry | undefined>;

  protected abstract write(
    key: string,
    value: Uint8Array,
    expectedRevision: number | undefined,
    untilMs: number,
  ): Promise<SetResult>;

  /** Calls `changed` when the key may have changed, until `signal` aborts. A store that has no such news does without. */
  protected listen?(key: string, changed: () => void, signal: AbortSignal): void;

  /** Frees what the store has opened. Nothing is called afterwards. */
  protected abstract end(): Promise<void>;

  async get(key: string, call: StoreCall = {}): Promise<StoreEntry | undefined> {
    checkKey(key);
    return this.calls.run('read', call, (untilMs) => this.read(key, untilMs));
  }

  async compareAndSet(
    key: string,
    value: Uint8Array,
    expectedRevision: number | undefined,
    call: StoreCall = {},
  ): Promise<SetResult> {
    checkKey(key);
    checkValue(key, value);
    return this.calls.run('write', call, (untilMs) => this.write(key, value, expectedRevision, untilMs));
  }

  lease(key: string, holder: Uint8Array, options: LeaseOptions): Promise<StoreLease> {
    return this.#leases.acquire(key, holder, options);
  }

  watch(key: string, { signal }: { readonly signal: AbortSignal }): AsyncIterable<StoreEntry | undefined> {
    checkKey(key);
    const watched = {
      scheduler: this.scheduler,
      everyMs: this.#watchMs,
      closed: this.calls.closed,
      look: () => this.get(key),
      listen: (changed: () => void, listening: AbortSignal) => this.listen?.(key, changed, listening),
    };
    return watch(watched, signal);
  }

  close(): Promise<void> {
    this.#closing ??= this.#leases.close().then(() => this.#end());
    return this.#closing;
  }

  abandon(): void {
    this.#leases.abandon();
    void this.#end();
  }

  /** Waits for a disk or a server that does not answer for a while, and no longer. Never rejects: nobody needs what could not be closed. */
  #end(): Promise<void> {
    this.calls.close();
    return settledWithin(this.scheduler, limits.storeTimeoutMs, this.end());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
