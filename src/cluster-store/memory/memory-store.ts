import type { Scheduler } from '../../scheduler/index.js';
import { Calls } from '../calls.js';
import type { ClusterStore, LeaseOptions, SetResult, StoreCall, StoreEntry, StoreLease } from '../cluster-store.js';
import { checkKey, checkValue } from '../keys.js';
import { Leases } from '../lease/leases.js';
import { watch } from '../watch.js';

/** Time between two looks of a watch, in ms. */
const WATCH_MS = 1_000;

/**
 * What a store in memory holds. The virtual processes of an Executor share it: each opens a store on it. It is lost with the program.
 *
 *     const shared = new MemoryStoreContent();
 *     await executor.start({ node: 'node-0', clusterStore: new MemoryStore(shared, executor.scheduler) });
 */
export class MemoryStoreContent {
  readonly #entries = new Map<string, StoreEntry>();
  readonly #listeners = new Set<() => void>();
  #revision = 0;

  get(key: string): StoreEntry | undefined {
    return this.#entries.get(key);
  }

  compareAndSet(key: string, value: Uint8Array, expectedRevision: number | undefined): SetResult {
    const entry = this.#entries.get(key);
    if (entry?.revision !== expectedRevision) return { isSet: false, entry };
    this.#revision += 1;
    this.#entries.set(key, { value: value.slice(), revision: this.#revision });
    for (const changed of this.#listeners) changed();
    return { isSet: true, revision: this.#revision };
  }

  listen(changed: () => void, signal: AbortSignal): void {
    this.#listeners.add(changed);
    signal.addEventListener('abort', () => this.#listeners.delete(changed), { once: true });
  }
}

/** A store without a disk, also on virtual time. */
export class MemoryStore implements ClusterStore {
  readonly address = 'memory:';
  readonly #content: MemoryStoreContent;
  readonly #scheduler: Scheduler;
  readonly #calls: Calls;
  readonly #leases: Leases;
  #closing: Promise<void> | undefined;

  constructor(content: MemoryStoreContent, scheduler: Scheduler) {
    this.#content = content;
    this.#scheduler = scheduler;
    this.#calls = new Calls(this.address, scheduler);
    this.#leases = new Leases(this, scheduler);
  }

  async get(key: string, call: StoreCall = {}): Promise<StoreEntry | undefined> {
    checkKey(key);
    return this.#calls.run('answer', call, () => Promise.resolve(this.#content.get(key)));
  }

  async compareAndSet(
    key: string,
    value: Uint8Array,
    expectedRevision: number | undefined,
    call: StoreCall = {},
  ): Promise<SetResult> {
    checkKey(key);
    checkValue(key, value);
    return this.#calls.run('answer', call, () =>
      Promise.resolve(this.#content.compareAndSet(key, value, expectedRevision)),
    );
  }

  lease(key: string, holder: Uint8Array, options: LeaseOptions): Promise<StoreLease> {
    return this.#leases.acquire(key, holder, options);
  }

  watch(key: string, { signal }: { readonly signal: AbortSignal }): AsyncIterable<StoreEntry | undefined> {
    checkKey(key);
    return watch(
      {
        scheduler: this.#scheduler,
        everyMs: WATCH_MS,
        closed: this.#calls.closed,
        look: () => this.get(key),
        listen: (changed, listening) => this.#content.listen(changed, listening),
      },
      signal,
    );
  }

  close(): Promise<void> {
    this.#closing ??= this.#leases.close().then(() => this.#calls.close());
    return this.#closing;
  }

  abandon(): void {
    this.#leases.abandon();
    this.#calls.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
