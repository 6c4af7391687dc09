import type { v1 } from '../../protocol/index.js';
import { LargeShare, type Reservation } from './large-share.js';
import type { MessageFields, PeerLife, StoredFields } from './message-fields.js';

export interface FieldServices {
  /** Undefined before this partition has its ordinal, and where fields travel in frames. */
  readonly fields: MessageFields | undefined;
}

/**
 * The pool for large fields, as one link may use it: a receiver's share is reserved before anything is stored for it, and is given back once, when the
 * receiver holds the fields no more or they were not sent.
 */
export class SharedPool {
  readonly #services: FieldServices;
  readonly #share: LargeShare;

  /** `freed` is called whenever the share of a receiver was given back. */
  constructor(services: FieldServices, freed: () => void) {
    this.#services = services;
    this.#share = new LargeShare(freed);
  }

  /** Bytes that this receiver holds, or is about to get. */
  heldBy(receiver: unknown): number {
    return this.#share.heldBy(receiver);
  }

  /** Undefined while the pool has no memory, or the receiver has its share. Throws ResourceError for what will never fit. */
  storeNow(receiver: unknown, fields: readonly Uint8Array[]): StoredFields | undefined {
    const pool = this.#services.fields;
    const reserved = this.#reserve(pool, receiver, fields);
    if (reserved === undefined) return undefined;
    let stored: StoredFields | undefined;
    try {
      stored = pool?.storeNow(fields);
    } finally {
      if (stored === undefined) reserved.giveBack();
    }
    return stored && new FieldsInShare(stored, reserved);
  }

  /** Waits for memory. Undefined while the receiver has its share. Rejects with ResourceError where there is no memory in time. */
  store(receiver: unknown, fields: readonly Uint8Array[]): Promise<StoredFields> | undefined {
    const pool = this.#services.fields;
    const reserved = this.#reserve(pool, receiver, fields);
    return (
      reserved &&
      pool?.store(fields).then(
        (stored) => new FieldsInShare(stored, reserved),
        (error: unknown) => {
          reserved.giveBack();
          throw error;
        },
      )
    );
  }

  #reserve(pool: MessageFields | undefined, receiver: unknown, fields: readonly Uint8Array[]): Reservation | undefined {
    const sizeBytes = fields.reduce((sum, { length }) => sum + length, 0);
    return pool && this.#share.reserve(receiver, sizeBytes, pool.freeBytes);
  }
}

/** Fields in the pool, with the reservation for them, which passes to the peer with their description. */
class FieldsInShare implements StoredFields {
  readonly #fields: StoredFields;
  readonly #reserved: Reservation;
  #isDescribed = false;

  constructor(fields: StoredFields, reserved: Reservation) {
    this.#fields = fields;
    this.#reserved = reserved;
    reserved.stored();
  }

  get bytes(): readonly Uint8Array[] {
    return this.#fields.bytes;
  }

  describe(to: PeerLife, origin: string, freed: () => void): v1.RemoteDescriptor {
    const description = this.#fields.describe(to, origin, () => {
      freed();
      this.#reserved.giveBack();
    });
    this.#isDescribed = true;
    return description;
  }

  [Symbol.dispose](): void {
    this.#fields[Symbol.dispose]();
    if (!this.#isDescribed) this.#reserved.giveBack();
  }
}
