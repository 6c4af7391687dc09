import { ProtocolError } from '../../errors.js';
import { limits } from '../../limits.js';
import type { v1 } from '../../protocol/index.js';
import type { PeerIncarnation } from '../ledger/index.js';
import type { AnnouncedArenas } from '../reading/index.js';
import {
  assertType,
  type Codable,
  EncodedObject,
  type HeldValue,
  type Part,
  Storage,
  type StoragePool,
} from '../storage/index.js';
import type { HeldObjects } from './held-objects.js';

/** An object of another process that is held here, once: it is given back once. */
export interface HeldReference {
  readonly owner: PeerIncarnation;
  readonly number: number;
  readonly objects: HeldObjects;
}

/** The state of a descriptor that came from another process. It is read where it lies, when it is asked for. */
export class RemoteDescriptor<T> implements HeldValue<T> {
  readonly state = 'remote';
  readonly #codable: Codable<T>;
  readonly #message: v1.RemoteDescriptor;
  readonly #pool: StoragePool;
  readonly #reference: HeldReference | undefined;
  #isGivenBack = false;

  /** `reference` is missing for a value that is in the message in full. */
  constructor(
    codable: Codable<T>,
    message: v1.RemoteDescriptor,
    pool: StoragePool,
    reference: HeldReference | undefined,
  ) {
    this.#codable = codable;
    this.#message = message;
    this.#pool = pool;
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
    if (this.#reference !== undefined) await this.#readable(this.#reference);
    return new EncodedObject(this.#codable, this.#open(parts));
  }

  /** What a third process is sent of the object. Its owner is asked to charge it; until then this process stays liable. */
  async forwardTo(to: PeerIncarnation): Promise<v1.RemoteDescriptorInit> {
    const reference = this.#reference;
    if (reference === undefined) return this.#message;
    const all = await this.#readable(reference);
    const arenas = all.announcements(arenasOf(this.#message));
    reference.objects.apply(reference.owner, reference.number, { kind: 'forward', to });
    return { ...this.#message, arenas: arenas.map(({ arena, sizeBytes, file }) => ({ arena, sizeBytes, ...file })) };
  }

  dispose(): void {
    if (this.#isGivenBack || this.#reference === undefined) return;
    this.#isGivenBack = true;
    const { owner, number, objects } = this.#reference;
    objects.apply(owner, number, { kind: 'dispose' });
  }

  /** What another peer than the owner says of arenas counts only when the owner has charged the object: then it will withdraw them. */
  async #readable({ owner, number, objects }: HeldReference): Promise<AnnouncedArenas> {
    await objects.readable(owner, number);
    const arenas = objects.arenasOf(owner);
    for (const { arena, sizeBytes, ...file } of this.#message.arenas) arenas.announce({ arena, sizeBytes, file });
    return arenas;
  }

  #open(parts: readonly v1.StoredPart[]): Storage {
    const opened: Part[] = [];
    try {
      if (parts.length > limits.storageParts)
        throw new ProtocolError(`A value has ${parts.length} parts, which is too many.`);
      for (const part of parts) opened.push(this.#part(part));
      return new Storage(this.#pool, opened, { [Symbol.dispose]: () => this.dispose() });
    } catch (error) {
      for (const part of opened) if (part.kind !== 'inline') part.block[Symbol.dispose]();
      throw error;
    }
  }

  #part({ place }: v1.StoredPart): Part {
    if (place.case === 'inline') return { kind: 'inline', bytes: place.value };
    if (place.case === undefined || this.#reference === undefined) {
      throw new ProtocolError('A part of a value is neither here nor in a block of its owner.');
    }
    const block = this.#reference.objects.arenasOf(this.#reference.owner).read(place.value);
    return { kind: 'mapped', bytes: block.bytes, block };
  }
}

function arenasOf({ parts }: v1.RemoteDescriptor): ReadonlySet<number> {
  return new Set(parts.flatMap(({ place }) => (place.case === 'block' ? [place.value.arena] : [])));
}
