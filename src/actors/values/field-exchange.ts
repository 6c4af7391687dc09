import {
  blockOf,
  blockPart,
  type Codable,
  EncodedObject,
  type MemoryPool,
  type Part,
  peerIncarnation,
  Storage,
  storedBytes,
} from '../../descriptors/index.js';
import { v1 } from '../../protocol/index.js';
import type { MessageFields, PeerLife, ReceivedFields, StoredFields } from '../transport/index.js';
import type { DescriptorExchange } from './descriptor-exchange.js';

/** Each field is one part. */
const fieldsCodable: Codable<readonly Uint8Array[]> = {
  typeName: v1.DetachedFields.typeName,
  async encode(fields, storage) {
    for (const bytes of fields) await storage.write(bytes);
  },
  decode: (storage) => Array.from({ length: storage.parts }, (_, index) => storage.part(index)),
};

/** The large fields of messages between partitions, as values of the exchange. A field that lies in a block of a pool is not copied when it is sent. */
export class FieldExchange implements MessageFields {
  readonly #exchange: () => DescriptorExchange;

  /** `exchange` starts the exchange of the partition with its first use. */
  constructor(exchange: () => DescriptorExchange) {
    this.#exchange = exchange;
  }

  get freeBytes(): number {
    return this.#exchange().pool.freeBytes;
  }

  storeNow(fields: readonly Uint8Array[]): StoredFields | undefined {
    const exchange = this.#exchange();
    const storage = new Storage(exchange.pool);
    try {
      for (const bytes of fields) {
        const part = storedPart(bytes, exchange.pool);
        if (part === undefined) break;
        storage.append(part);
      }
      if (storage.parts === fields.length) return new FieldsInStorage(exchange, storage);
    } catch (error) {
      storage.dispose();
      throw error;
    }
    storage.dispose();
    return undefined;
  }

  async store(fields: readonly Uint8Array[]): Promise<StoredFields> {
    const exchange = this.#exchange();
    const object = await EncodedObject.encode(fieldsCodable, fields, exchange.pool);
    return new FieldsInStorage(exchange, object.takeStorage());
  }

  unsent(description: v1.RemoteDescriptor, to: PeerLife): void {
    this.#exchange().unsent(description, peerIncarnation(to));
  }

  settle(descriptions: readonly v1.RemoteDescriptor[], to: PeerLife): void {
    if (descriptions.length > 0) this.#exchange().settle(descriptions, peerIncarnation(to));
  }

  receive(from: PeerLife, description: v1.RemoteDescriptor): ReceivedFields {
    const descriptor = this.#exchange().receive(peerIncarnation(from), description, fieldsCodable);
    return {
      count: description.parts.length,
      sizeBytes: storedBytes(description),
      open: () => descriptor.takeValue(),
      [Symbol.dispose]: () => descriptor.dispose(),
    };
  }
}

/** Bytes where they lie in a block, or copied into one. Undefined while the pool has no memory. */
function storedPart(bytes: Uint8Array, pool: MemoryPool): Part | undefined {
  const held = blockOf(bytes);
  if (held !== undefined) return blockPart(held, bytes);
  const block = pool.allocateNow(bytes.length, 'the large fields of messages');
  if (block === undefined) return undefined;
  const copy = block.bytes;
  copy.set(bytes);
  pool.countCopy(bytes.length);
  return blockPart(block, copy);
}

class FieldsInStorage implements StoredFields {
  readonly bytes: readonly Uint8Array[];
  readonly #exchange: DescriptorExchange;
  readonly #storage: Storage;

  constructor(exchange: DescriptorExchange, storage: Storage) {
    this.#exchange = exchange;
    this.#storage = storage;
    this.bytes = storage.list.map(({ bytes }) => bytes);
  }

  describe(to: PeerLife, freed: () => void): v1.RemoteDescriptor {
    return this.#exchange.describe(fieldsCodable.typeName, this.#storage, peerIncarnation(to), freed);
  }

  [Symbol.dispose](): void {
    this.#storage.dispose();
  }
}
