import { ConsumedError } from '../../errors.js';
import type { Block } from '../pool/index.js';
import type { Codable } from './codable.js';
import { assertType, EncodedObject } from './encoded-object.js';
import type { Storage, StoragePool } from './storage.js';

/** What a descriptor holds now. `empty`: its value or its storage was taken. */
export type DescriptorState = 'resident' | 'coded' | 'remote' | 'empty' | 'disposed';

/** What each state of a descriptor can do. Each is called once, and the state is left then. */
export interface HeldValue<T> {
  readonly state: 'resident' | 'coded' | 'remote';
  /** The value, and what has to be disposed when nobody uses it any more. */
  value(): Promise<{ readonly value: T; readonly memory: Disposable | undefined }>;
  /** The value encoded. Nothing is left here. */
  encoded(pool: StoragePool): Promise<EncodedObject<T>>;
  dispose(): void;
}

/** The state that holds the value itself. It is encoded only if its storage is asked for. */
export class ResidentDescriptor<T> implements HeldValue<T> {
  readonly state = 'resident';
  readonly #codable: Codable<T>;
  readonly #value: T;
  #memory: Block | undefined;
  #isTaken = false;

  /** Takes `memory` over, which the value lies in. */
  constructor(codable: Codable<T>, value: T, memory?: Block) {
    this.#codable = codable;
    this.#value = value;
    this.#memory = memory;
  }

  async value(): ReturnType<HeldValue<T>['value']> {
    return { value: this.#value, memory: this.#takeMemory() };
  }

  async encoded(pool: StoragePool): Promise<EncodedObject<T>> {
    const object = await EncodedObject.encode(this.#codable, this.#value, pool);
    this.dispose();
    return object;
  }

  /** The same value for one more reader, which holds its memory as well. */
  share(): ResidentDescriptor<T> {
    return new ResidentDescriptor(this.#codable, this.#value, this.#memory?.share());
  }

  /** Moves to a reader, which reads with this codable. Disposing the old one does nothing from now on. Throws ConsumedError the second time. */
  take<Read>(codable: Codable<Read>): ResidentDescriptor<Read> {
    if (this.#isTaken) throw new ConsumedError('A value came to its reader after its writer gave it up.');
    assertType(codable.typeName, this.#codable.typeName);
    this.#isTaken = true;
    // oxlint-disable-next-line typescript/consistent-type-assertions -- both ends have the codable of this name, whose values are of one type.
    return new ResidentDescriptor(codable, this.#value as unknown as Read, this.#takeMemory());
  }

  dispose(): void {
    this.#isTaken = true;
    this.#takeMemory()?.dispose();
  }

  #takeMemory(): Block | undefined {
    const memory = this.#memory;
    this.#memory = undefined;
    return memory;
  }
}

/** The state after encoding: it holds storage, and the value is gone. */
export class CodedDescriptor<T> implements HeldValue<T> {
  readonly state = 'coded';
  readonly #object: EncodedObject<T>;

  constructor(object: EncodedObject<T>) {
    this.#object = object;
  }

  async value(): ReturnType<HeldValue<T>['value']> {
    return { value: this.#object.decode(), memory: this.#object };
  }

  async encoded(): Promise<EncodedObject<T>> {
    return this.#object;
  }

  dispose(): void {
    this.#object.dispose();
  }
}

/**
 * The owner of one value in motion. It moves: the value or the storage can be taken once, and a second take throws ConsumedError. The memory of
 * a value that was decoded in place lives until its descriptor is disposed.
 *
 *     using descriptor = Descriptor.of(bytesCodable, bytes);
 *     const value = await descriptor.takeValue();
 */
export class Descriptor<T> implements Disposable {
  readonly typeName: string;
  #held: HeldValue<T> | undefined;
  /** Memory of the value that was taken. */
  #memory: Disposable | undefined;
  #isDisposed = false;

  /** In any state: `new Descriptor(codable.typeName, new CodedDescriptor(object))`. */
  constructor(typeName: string, held: HeldValue<T>) {
    this.typeName = typeName;
    this.#held = held;
  }

  /** A resident descriptor. */
  static of<T>(codable: Codable<T>, value: T): Descriptor<T> {
    return new Descriptor(codable.typeName, new ResidentDescriptor(codable, value));
  }

  /** Its value was taken, and lies in memory that is given back when this descriptor is disposed. */
  get holdsMemory(): boolean {
    return this.#memory !== undefined;
  }

  get state(): DescriptorState {
    if (this.#isDisposed) return 'disposed';
    return this.#held?.state ?? 'empty';
  }

  /**
   * Encodes a resident value, whose descriptor holds storage from then on. Rejects with ConsumedError if there is no value, and with what the
   * codable or the pool throws: then the descriptor holds what it held.
   */
  async encode(pool: StoragePool): Promise<void> {
    if (this.#held?.state === 'coded') return;
    const object = await this.#takeEncoded(pool);
    if (this.#isDisposed) object.dispose();
    else this.#held = new CodedDescriptor(object);
  }

  /** The value, decoded if need be. Rejects with ConsumedError if it was taken, and with ProtocolError if it cannot be decoded. */
  async takeValue(): Promise<T> {
    const held = this.#take();
    try {
      const { value, memory } = await held.value();
      this.#memory = memory;
      if (!this.#isDisposed) return value;
    } catch (error) {
      held.dispose();
      throw error;
    }
    this.#memory?.[Symbol.dispose]();
    throw this.#consumed();
  }

  /** The storage, encoded into `pool` if need be. The caller disposes it. Rejects as `encode` does. */
  async takeStorage(pool: StoragePool): Promise<Storage> {
    const object = await this.#takeEncoded(pool);
    return object.takeStorage();
  }

  /** Hands over what the descriptor holds, in whatever state; the caller disposes it. Throws ConsumedError if it was taken. */
  takeHeld(): HeldValue<T> {
    return this.#take();
  }

  /** Ends the value: memory that was decoded in place is used again. Does nothing the second time. */
  dispose(): void {
    this.#isDisposed = true;
    this.#held?.dispose();
    this.#memory?.[Symbol.dispose]();
    this.#held = undefined;
    this.#memory = undefined;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  async #takeEncoded(pool: StoragePool): Promise<EncodedObject<T>> {
    const held = this.#take();
    try {
      return await held.encoded(pool);
    } catch (error) {
      if (this.#isDisposed) held.dispose();
      else this.#held = held;
      throw error;
    }
  }

  #take(): HeldValue<T> {
    const held = this.#held;
    if (held === undefined) throw this.#consumed();
    this.#held = undefined;
    return held;
  }

  #consumed(): ConsumedError {
    if (this.#isDisposed)
      return new ConsumedError(
        `A descriptor of type ${this.typeName} was used after it was disposed: dispose it last.`,
      );
    return new ConsumedError(
      `A descriptor of type ${this.typeName} is empty: its value was taken or sent before. That can be done once; make another descriptor.`,
    );
  }
}
