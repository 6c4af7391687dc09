import { pause, type Scheduler } from '../../scheduler/index.js';
import { BaseStore } from '../base-store.js';
import type { SetResult, StoreEntry } from '../cluster-store.js';
import { formatStoreAddress } from '../store-address.js';
import { type NatsAddress, NatsBucket } from './nats-bucket.js';
import { loadNatsPackages } from './nats-packages.js';

/** Time between two looks of a watch whose news may be lost, in ms. */
const WATCH_MS = 2_000;

/** A store in a bucket of NATS JetStream, for the processes of several hosts. Its servers can keep several copies. */
export class NatsStore extends BaseStore {
  readonly #bucket: NatsBucket;

  private constructor(address: string, bucket: NatsBucket, scheduler: Scheduler) {
    super({ address, scheduler, watchMs: WATCH_MS });
    this.#bucket = bucket;
  }

  /** Connects with the first call. Rejects with ConfigError where the packages of NATS are missing. */
  static async open(address: NatsAddress, scheduler: Scheduler): Promise<NatsStore> {
    const bucket = new NatsBucket(await loadNatsPackages(), address, scheduler);
    return new NatsStore(formatStoreAddress(address), bucket, scheduler);
  }

  protected override read(key: string, untilMs: number): Promise<StoreEntry | undefined> {
    return this.#bucket.get(key, untilMs);
  }

  protected override write(
    key: string,
    value: Uint8Array,
    expectedRevision: number | undefined,
    untilMs: number,
  ): Promise<SetResult> {
    return this.#bucket.set(key, value, expectedRevision, untilMs);
  }

  protected override listen(key: string, changed: () => void, signal: AbortSignal): void {
    void this.#listen(key, changed, signal);
  }

  protected override end(): Promise<void> {
    return this.#bucket.close();
  }

  /** Begins the news again whenever the server has ended them. */
  async #listen(key: string, changed: () => void, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#bucket.listen(key, changed, signal);
      } catch {
        // The looks find the changes meanwhile.
      }
      await pause(this.scheduler, WATCH_MS, signal);
    }
  }
}
