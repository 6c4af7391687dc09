import { ConsumedError, ProtocolError, ResourceError } from '../../errors.js';
import { limits } from '../../limits.js';
import type { v1 } from '../../protocol/index.js';
import type { PeerIncarnation } from '../ledger/index.js';
import {
  assertType,
  blockPart,
  type Codable,
  EncodedObject,
  type HeldValue,
  type Part,
  Storage,
  type StoragePool,
} from '../storage/index.js';
import type { HeldObjects } from './held-objects.js';

/** Fills `into` with a part of an object of a peer, which lies in memory that cannot be mapped here. */
export type Fetch = (owner: PeerIncarnation, object: number, part: number, into: Uint8Array) => Promise<void>;

/** What reading needs of the partition. */
export interface RemoteReading {
  /** For what is fetched. */
  readonly pool: StoragePool;
  readonly fetch: Fetch;
  readonly objects: HeldObjects;
}

/** An object of another partition that is held here, once: it is given back once. */
export interface HeldReference {
  readonly owner: PeerIncarnation;
  readonly number: number;
}

/** The state of a descriptor that came from another partition. It is read where it lies, when it is asked for. */
export class RemoteDescriptor<T> implements HeldValue<T> {
  readonly state = 'remote';
  readonly #codable: Codable<T>;
  readonly #message: v1.RemoteDescriptor;
  readonly #reading: RemoteReading;
  readonly #reference: HeldReference | undefined;
  #isGivenBack = false;

  /** `reference` is missing for a value that is in the message in full. */
  constructor(
    codable: Codable<T>,
    message: v1.RemoteDescriptor,
    reading: RemoteReading,
    reference: HeldReference | undefined,
  ) {
    this.#codable = codable;
    this.#message = message;
    this.#reading = reading;
    this.#reference = reference;
  }

  async value(): ReturnType<HeldValue<T>['value']> {
    const object = await this.encoded();
    try {
      return { value: object.decode(), memory: object };
    } catch (error) {
      object.dispose();
      throw error;
    }
  }

  async encoded(): Promise<EncodedObject<T>> {
    const { typeName, parts } = this.#message;
    assertType(this.#codable.typeName, typeName);
    await this.ready();
    return new EncodedObject(this.#codable, await this.#open(parts));
  }

  /** The value lies in the memory of another partition, and is not in the message. */
  get isElsewhere(): boolean {
    return this.#reference !== undefined;
  }

  /** Bytes of the value. */
  get sizeBytes(): number {
    return storedBytes(this.#message);
  }

  /** Resolves when the owner knows that the object is held here, so that it may be forwarded. Rejects with UnreachableError when it is gone. */
  async ready(): Promise<void> {
    if (this.#reference === undefined) return;
    const { owner, number } = this.#reference;
    const { objects } = this.#reading;
    await objects.readable(owner, number);
    // What another peer than the owner says of arenas counts only when the owner has charged the object: then it will withdraw them.
    for (const { arena, sizeBytes, ...file } of this.#message.arenas) {
      objects.arenasOf(owner).announce({ arena, sizeBytes, file });
    }
  }

  /** One more descriptor of the object, which is given back once for itself. */
  share(): RemoteDescriptor<T> {
    const shared = new RemoteDescriptor(this.#codable, this.#message, this.#reading, this.#reference);
    const reference = this.#reference;
    if (reference !== undefined) {
      this.#reading.objects.apply(reference.owner, reference.number, { kind: 'share' });
    }
    return shared;
  }

  /** Moves to a reader of this partition, which reads with this codable. Disposing the old one does nothing from now on. Throws ConsumedError the second time. */
  take<Read>(codable: Codable<Read>): RemoteDescriptor<Read> {
    if (this.#isGivenBack) throw new ConsumedError('A value that was sent on was taken after it was given up.');
    this.#isGivenBack = true;
    return new RemoteDescriptor(codable, this.#message, this.#reading, this.#reference);
  }

  /**
   * What a third partition is sent of the object, which is `ready`. Its owner is asked to charge it; until then this partition stays liable. `charged`
   * is called once, when it is not liable any more. Throws UnreachableError when that partition or the object is gone; then `charged` is not called.
   */
  forwardTo(to: PeerIncarnation, charged?: () => void): v1.RemoteDescriptorInit {
    const reference = this.#reference;
    if (reference === undefined) {
      charged?.();
      return this.#message;
    }
    const { owner, number } = reference;
    const { objects } = this.#reading;
    const arenas = objects.arenasOf(owner).announcements(arenasOf(this.#message));
    const object = { ...this.#message.object, send: objects.forward(owner, number, to, charged) };
    return {
      ...this.#message,
      object,
      arenas: arenas.map(({ arena, sizeBytes, file }) => ({ arena, sizeBytes, ...file })),
    };
  }

  dispose(): void {
    if (this.#isGivenBack || this.#reference === undefined) return;
    this.#isGivenBack = true;
    const { owner, number } = this.#reference;
    this.#reading.objects.apply(owner, number, { kind: 'dispose' });
  }

  async #open(parts: readonly v1.StoredPart[]): Promise<Storage> {
    const opened: Part[] = [];
    try {
      if (parts.length > limits.storageParts)
        throw new ProtocolError(`A value has ${parts.length} parts, which is too many.`);
      for (const [index, part] of parts.entries())
        opened.push(this.#partHere(part) ?? (await this.#fetched(part, index)));
      return new Storage(this.#reading.pool, opened, { [Symbol.dispose]: () => this.dispose() });
    } catch (error) {
      for (const part of opened) if (part.kind !== 'inline') part.block[Symbol.dispose]();
      throw error;
    }
  }

  #required(): HeldReference {
    if (this.#reference === undefined) throw nowhere();
    return this.#reference;
  }

  /** A part that is in the message, or can be mapped; undefined for one that has to be fetched. */
  #partHere({ place }: v1.StoredPart): Part | undefined {
    if (place.case === 'inline') return { kind: 'inline', bytes: place.value };
    const { owner } = this.#required();
    if (place.case !== 'block') return undefined;
    try {
      const block = this.#reading.objects.arenasOf(owner).read(place.value);
      return { kind: 'mapped', bytes: block.bytes, block };
    } catch (error) {
      // The owner is on another host, or this process may not open its memory.
      if (!(error instanceof ResourceError)) throw error;
      return undefined;
    }
  }

  async #fetched(part: v1.StoredPart, index: number): Promise<Part> {
    if (part.place.case === undefined) throw nowhere();
    const { pool, fetch } = this.#reading;
    const { owner, number } = this.#required();
    const sizeBytes = sizeOf(part);
    const block = await pool.allocate(sizeBytes);
    try {
      await fetch(owner, number, index, block.bytes);
      pool.countCopy(sizeBytes);
      return blockPart(block, block.bytes);
    } catch (error) {
      block.dispose();
      throw error;
    }
  }
}

function nowhere(): ProtocolError {
  return new ProtocolError('A part of a value is neither here nor in a block of its owner.');
}

function arenasOf({ parts }: v1.RemoteDescriptor): ReadonlySet<number> {
  return new Set(parts.flatMap(({ place }) => (place.case === 'block' ? [place.value.arena] : [])));
}

/** Bytes of the value that a message describes, wherever they are. */
export function storedBytes({ parts }: v1.RemoteDescriptor): number {
  let sum = 0;
  for (const part of parts) sum += sizeOf(part);
  return sum;
}

function sizeOf({ place }: v1.StoredPart): number {
  if (place.case === 'inline') return place.value.length;
  return place.case === 'block' ? place.value.sizeBytes : (place.value ?? 0);
}
