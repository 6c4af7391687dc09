import {
  blockOf,
  type Codable,
  Descriptor,
  EncodedObject,
  type HeldValue,
  RemoteDescriptor,
  ResidentDescriptor,
} from '../../descriptors/index.js';
import { BackpressureError, type MillraceError } from '../../errors.js';
import { limits } from '../../limits.js';
import type { v1 } from '../../protocol/index.js';
import type { Behavior } from '../kernel/index.js';
import { Publisher, type PublisherOptions } from '../pubsub/index.js';
import type { DescriptorExchange } from './descriptor-exchange.js';
import { addressing, HeldByReaders, type MovingValue, movingValues, NotEncodedError } from './moving-value.js';

export interface ValueOutputOptions<T>
  extends Pick<PublisherOptions<MovingValue>, 'port' | 'id' | 'policy' | 'isLossy' | 'recovers' | 'failed'> {
  readonly codable: Codable<T>;
  readonly key: ((value: T) => string | number | bigint) | undefined;
  readonly exchange: DescriptorExchange;
  /**
   * The writer has values whose memory is given back when it reads on: what it writes may lie in that memory, so it is encoded, and never handed over as it
   * is.
   */
  readonly isLent: () => boolean;
}

/**
 * The writing end of a port of values. Readers of this partition get the very object that was written; others get its bytes, from the pool of the
 * partition.
 */
export class ValueOutput<T> {
  readonly #options: ValueOutputOptions<T>;
  readonly #port: Publisher<MovingValue>;
  /** Settles when all writes before have. Undefined: they have. */
  #last: Promise<void> | undefined;
  #waiting = 0;

  constructor(options: ValueOutputOptions<T>) {
    const { port, exchange } = options;
    this.#options = options;
    this.#port = new Publisher<MovingValue>({
      ...options,
      type: movingValues,
      key: ({ key = '' }) => key,
      isNear: (reader) => exchange.peerOf(reader) === undefined,
      addressing: addressing(exchange, new HeldByReaders(), `port ${port}`),
    });
  }

  /** Values that were sent. */
  get written(): number {
    return this.#port.written;
  }

  /** Writes that wait. */
  get queued(): number {
    return this.#waiting;
  }

  /** All expected readers have joined, and all have left again. */
  get hasNoSubscribers(): boolean {
    return this.#port.hasNoSubscribers;
  }

  /** The actor that receives the messages of readers. */
  behavior(): Behavior<typeof v1.Publisher, undefined> {
    return this.#port.behavior();
  }

  /**
   * Sends a value, after those that were written before. Resolves when a reader has room for it. A descriptor is empty from now on; one that came from
   * another partition is sent on without a copy. Rejects as `Publisher.write` does, and with what the codable or the pool throws.
   */
  write(value: T | Descriptor<T>): Promise<void> {
    if (this.#waiting >= limits.pendingWrites) {
      const message = `${limits.pendingWrites} writes to port "${this.#options.port}" are already waiting: await each write.`;
      return Promise.reject(new BackpressureError(message));
    }
    this.#waiting += 1;
    const written = this.#last === undefined ? this.#write(value) : this.#last.then(() => this.#write(value));
    const last: Promise<void> = written.then(
      () => this.#settled(last),
      () => this.#settled(last),
    );
    this.#last = last;
    return written;
  }

  /** Ends the stream in band. Resolves when every reader has received all of it. */
  async end(): Promise<void> {
    await this.#last;
    await this.#port.end();
  }

  /** Sends no more values. Rejects the waiting writes. */
  close(error: MillraceError): void {
    this.#port.close(error);
  }

  #settled(last: Promise<void>): void {
    this.#waiting -= 1;
    if (this.#last === last) this.#last = undefined;
  }

  async #write(given: T | Descriptor<T>): Promise<void> {
    if (!(given instanceof Descriptor)) return this.#writeValue(given);
    const held = given.takeHeld();
    const remote: RemoteDescriptor<unknown> | undefined = held instanceof RemoteDescriptor ? held : undefined;
    try {
      if (remote?.isElsewhere === true) await this.#forward(remote, held);
      else if (held.state === 'resident') await this.#writeValue((await held.value()).value);
      else await this.#writeEncoded(await held.encoded(this.#options.exchange.pool));
    } finally {
      held.dispose();
    }
  }

  /** Its bytes stay where they are. They are looked at where a key selects the reader. */
  async #forward(remote: RemoteDescriptor<unknown>, held: HeldValue<T>): Promise<void> {
    const { key } = this.#options;
    const read = key === undefined ? undefined : await held.value();
    try {
      await remote.ready();
      const selects = read === undefined ? undefined : key?.(read.value);
      await this.#port.write({ kind: 'held', value: remote, sizeBytes: remote.sizeBytes, key: selects });
    } finally {
      read?.memory?.[Symbol.dispose]();
    }
  }

  async #writeValue(value: T): Promise<void> {
    const { codable, exchange, policy, isLent } = this.#options;
    const mayHandOver = !isLent();
    const memory = ArrayBuffer.isView(value) ? blockOf(value) : undefined;
    const object = new ResidentDescriptor(codable, value, memory);
    try {
      // A broadcast must not find out half-way that a reader needs the bytes.
      if (mayHandOver && policy !== 'broadcast' && this.#port.areReadersNear && (await this.#handOver(object, value)))
        return;
      await this.#writeEncoded(
        await EncodedObject.encode(codable, value, exchange.pool),
        mayHandOver ? object : undefined,
      );
    } finally {
      object.dispose();
    }
  }

  /** False where a reader in another partition has come meanwhile. */
  async #handOver(object: ResidentDescriptor<T>, value: T): Promise<boolean> {
    try {
      const sizeBytes = ArrayBuffer.isView(value) ? value.byteLength : 0;
      await this.#port.write({ kind: 'object', object, sizeBytes, key: this.#options.key?.(value) });
      return true;
    } catch (error) {
      if (error instanceof NotEncodedError) return false;
      throw error;
    }
  }

  /** `object` is what readers of this partition get; without it they decode the storage. */
  async #writeEncoded(encoded: EncodedObject<T>, object?: ResidentDescriptor<T>): Promise<void> {
    const { codable, key } = this.#options;
    const selects = key === undefined ? undefined : key(encoded.decode());
    const storage = encoded.takeStorage();
    try {
      const { sizeBytes } = storage;
      const { typeName } = codable;
      await this.#port.write({
        kind: 'written',
        typeName,
        storage,
        sizeBytes,
        key: selects,
        ...(object && { object }),
      });
    } finally {
      storage.dispose();
    }
  }
}
