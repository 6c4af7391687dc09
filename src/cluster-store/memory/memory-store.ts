import type { Scheduler } from '../../scheduler/index.js';
import { BaseStore } from '../base-store.js';
import type { SetResult, StoreEntry } from '../cluster-store.js';

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
export class MemoryStore extends BaseStore {
  readonly #content: MemoryStoreContent;

  constructor(content: MemoryStoreContent, scheduler: Scheduler) {
    super({ address: 'memory:', scheduler, watchMs: WATCH_MS });
    this.#content = content;
  }

  protected override read(key: string): Promise<StoreEntry | undefined> {
    return Promise.resolve(this.#content.get(key));
  }

  protected override write(key: string, value: Uint8Array, expectedRevision: number | undefined): Promise<SetResult> {
    return Promise.resolve(this.#content.compareAndSet(key, value, expectedRevision));
  }

  protected override listen(_key: string, changed: () => void, signal: AbortSignal): void {
    this.#content.listen(changed, signal);
  }

  protected override end(): Promise<void> {
    return Promise.resolve();
  }
}
