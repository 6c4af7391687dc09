import {
  blockOf,
  blockPart,
  type Codable,
  type Descriptor,
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

/** How received fields are given to those that borrow them: where they lie, or as copies that are overwritten when they are released. */
export type BorrowedFields = 'in-place' | 'poisoned';

/** What a copy reads as that was released. */
const POISON = 0xdb;

type Opening = Pick<ReceivedFields, 'open' | typeof Symbol.dispose>;

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
  readonly #borrowed: BorrowedFields;

  /** `exchange` starts the exchange of the partition with its first use. */
  constructor(exchange: () => DescriptorExchange, borrowed: BorrowedFields) {
    this.#exchange = exchange;
    this.#borrowed = borrowed;
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
      ...(this.#borrowed === 'poisoned' ? poisoned(descriptor) : inPlace(descriptor)),
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

function inPlace(descriptor: Descriptor<readonly Uint8Array[]>): Opening {
  return { open: () => descriptor.takeValue(), [Symbol.dispose]: () => descriptor.dispose() };
}

function poisoned(descriptor: Descriptor<readonly Uint8Array[]>): Opening {
  let copies: readonly Uint8Array[] = [];
  return {
    async open() {
      const fields = await descriptor.takeValue();
      copies = fields.map((bytes) => bytes.slice());
      descriptor.dispose();
      return copies;
    },
    [Symbol.dispose]() {
      descriptor.dispose();
      for (const copy of copies) copy.fill(POISON);
    },
  };
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

  describe(to: PeerLife, origin: string, freed: () => void): v1.RemoteDescriptor {
    const about = { typeName: fieldsCodable.typeName, origin };
    return this.#exchange.describe(about, this.#storage, peerIncarnation(to), freed);
  }

  [Symbol.dispose](): void {
    this.#storage.dispose();
  }
}
