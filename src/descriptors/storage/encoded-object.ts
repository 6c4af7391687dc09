import { ProtocolError } from '../../errors.js';
import type { Codable } from './codable.js';
import { Storage, type StoragePool } from './storage.js';

/** An encoded value: storage to read, and the codable that reads it. */
export class EncodedObject<T> implements Disposable {
  readonly codable: Codable<T>;
  readonly #storage: Storage;

  /** Takes over the storage. */
  constructor(codable: Codable<T>, storage: Storage) {
    this.codable = codable;
    this.#storage = storage;
  }

  /** Encodes a value. Rejects with what the codable throws; nothing is left in the pool then. */
  static async encode<T>(codable: Codable<T>, value: T, pool: StoragePool): Promise<EncodedObject<T>> {
    const storage = new Storage(pool);
    try {
      await codable.encode(value, storage);
      return new EncodedObject(codable, storage);
    } catch (error) {
      storage.dispose();
      throw error;
    }
  }

  get sizeBytes(): number {
    return this.#storage.sizeBytes;
  }

  /** The value, which may share memory with this object. Throws ConsumedError after `dispose` and `takeStorage`. */
  decode(): T {
    return this.codable.decode(this.#storage);
  }

  /** Hands the storage over; this object is empty from now on. Throws ConsumedError the second time. */
  takeStorage(): Storage {
    return this.#storage.move();
  }

  dispose(): void {
    this.#storage.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** Throws ProtocolError for a value of another type. */
export function assertType(expected: string, found: string): void {
  if (expected === found) return;
  throw new ProtocolError(
    `A value of type ${found} cannot be read as ${expected}: use the codable that it was written with.`,
  );
}
