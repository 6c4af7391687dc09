import { pause, type Scheduler } from '../../scheduler/index.js';
import { Calls } from '../calls.js';
import type { ClusterStore, LeaseOptions, SetResult, StoreCall, StoreEntry, StoreLease } from '../cluster-store.js';
import { checkKey, checkValue } from '../keys.js';
import { Leases } from '../lease/leases.js';
import { formatStoreAddress } from '../store-address.js';
import { watch } from '../watch.js';
import { type NatsAddress, NatsBucket } from './nats-bucket.js';
import { loadNatsPackages } from './nats-packages.js';

/** Time between two looks of a watch whose news may be lost, in ms. */
const WATCH_MS = 2_000;

/** A store in a bucket of NATS JetStream, for the processes of several hosts. Its servers can keep several copies. */
export class NatsStore implements ClusterStore {
  readonly address: string;
  readonly #bucket: NatsBucket;
  readonly #scheduler: Scheduler;
  readonly #calls: Calls;
  readonly #leases: Leases;
  #closing: Promise<void> | undefined;

  private constructor(address: string, bucket: NatsBucket, scheduler: Scheduler) {
    this.address = address;
    this.#bucket = bucket;
    this.#scheduler = scheduler;
    this.#calls = new Calls(address, scheduler);
    this.#leases = new Leases(this, scheduler);
  }

  /** Connects with the first call. Rejects with ConfigError where the packages of NATS are missing. */
  static async open(address: NatsAddress, scheduler: Scheduler): Promise<NatsStore> {
    const bucket = new NatsBucket(await loadNatsPackages(), address, scheduler);
    return new NatsStore(formatStoreAddress(address), bucket, scheduler);
  }

  async get(key: string, call: StoreCall = {}): Promise<StoreEntry | undefined> {
    checkKey(key);
    return this.#calls.run('answer', call, (untilMs) => this.#bucket.get(key, untilMs));
  }

  async compareAndSet(
    key: string,
    value: Uint8Array,
    expectedRevision: number | undefined,
    call: StoreCall = {},
  ): Promise<SetResult> {
    checkKey(key);
    checkValue(key, value);
    return this.#calls.run('answer', call, (untilMs) => this.#bucket.set(key, value, expectedRevision, untilMs));
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
        listen: (changed, listening) => void this.#listen(key, changed, listening),
      },
      signal,
    );
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  abandon(): void {
    this.#leases.abandon();
    this.#calls.close();
    void this.#bucket.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    await this.#leases.close();
    this.#calls.close();
    await this.#bucket.close();
  }

  /** Begins the news again whenever the server has ended them. */
  async #listen(key: string, changed: () => void, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !this.#calls.closed.aborted) {
      try {
        await this.#bucket.listen(key, changed, signal);
      } catch {
        // The looks find the changes meanwhile.
      }
      await pause(this.#scheduler, WATCH_MS, signal);
    }
  }
}
