import type { MessageFields, ReceivedFields, StoredFields } from '#src/actors/transport/index.js';
import { Deferred } from '#src/deferred.js';
import { UnreachableError } from '#src/errors.js';
import { limits } from '#src/limits.js';
import { v1 } from '#src/protocol/index.js';

/** Memory for large fields that two partitions share, and that is there when the test says so. */
export class FieldMemory implements MessageFields {
  isFull = false;
  limitBytes: number = limits.poolBytes;
  /** What cannot be read any more. */
  isLost = false;
  /** The peer that is to be sent a description is gone. */
  isPeerGone = false;
  /** Times that fields were stored. */
  stores = 0;
  /** Of stored fields and of objects at peers. */
  held = 0;
  /** Objects that wait to be read. */
  reading = 0;
  readonly #objects = new Map<number, readonly Uint8Array[]>();
  /** How many hold each of them. */
  readonly #holders = new Map<readonly Uint8Array[], number>();
  readonly #freed = new Map<number, () => void>();
  #room = new Deferred<void>();
  #isSlow = false;
  #slow = new Deferred<void>();
  #described = 0;

  /** Objects that peers were sent a description of. */
  get described(): number {
    return this.#described;
  }

  /** Reading waits for as long as this is true. */
  set isSlow(isSlow: boolean) {
    this.#isSlow = isSlow;
    if (isSlow) this.#slow = new Deferred();
    else this.#slow.resolve();
  }

  /** Bytes that peers hold. */
  get heldBytes(): number {
    return sizeOf(this.#objects.values());
  }

  get usedBytes(): number {
    return sizeOf(this.#holders.keys());
  }

  get freeBytes(): number {
    return this.limitBytes - this.usedBytes;
  }

  storeNow(fields: readonly Uint8Array[]): StoredFields | undefined {
    return this.isFull ? undefined : this.#open(fields);
  }

  async store(fields: readonly Uint8Array[]): Promise<StoredFields> {
    if (this.isFull) await this.#room.promise;
    return this.#open(fields);
  }

  /** There is memory, or there never will be any for what waits now. */
  settle(): void;
  settle(descriptions: readonly v1.RemoteDescriptor[]): void;
  settle(descriptions: readonly v1.RemoteDescriptor[] = []): void {
    for (const { object } of descriptions) this.#free(object?.number ?? 0);
  }

  empty(error?: Error): void {
    const room = this.#room;
    this.#room = new Deferred();
    this.isFull = error !== undefined;
    if (error === undefined) room.resolve();
    else room.reject(error);
  }

  unsent(description: v1.RemoteDescriptor): void {
    this.settle([description]);
  }

  receive(_from: unknown, { object, parts }: v1.RemoteDescriptor): ReceivedFields {
    const number = object?.number ?? 0;
    const fields = this.#objects.get(number);
    if (fields === undefined) throw new UnreachableError(`Object ${number} is gone.`);
    return {
      count: parts.length,
      sizeBytes: fields.reduce((sum, { length }) => sum + length, 0),
      open: async () => {
        this.reading += 1;
        if (this.#isSlow) await this.#slow.promise;
        this.reading -= 1;
        if (this.isLost) throw new UnreachableError(`Object ${number} is lost.`);
        return fields;
      },
      [Symbol.dispose]: () => this.#free(number),
    };
  }

  #open(fields: readonly Uint8Array[]): StoredFields {
    const bytes = fields.map((field) => field.slice());
    this.stores += 1;
    let isOpen = true;
    this.#hold(bytes);
    return {
      bytes,
      describe: (_to, _origin, freed) => {
        if (this.isPeerGone) throw new UnreachableError('The peer is gone.');
        this.#described += 1;
        this.#hold(bytes);
        this.#objects.set(this.#described, bytes);
        this.#freed.set(this.#described, freed);
        const parts: v1.StoredPartInit[] = bytes.map(({ length }) => ({ place: { case: 'fetched', value: length } }));
        return v1.RemoteDescriptor.create({ object: { number: this.#described }, parts });
      },
      [Symbol.dispose]: () => {
        if (isOpen) this.#release(bytes);
        isOpen = false;
      },
    };
  }

  #free(number: number): void {
    const freed = this.#freed.get(number);
    if (freed === undefined) return;
    this.#release(this.#objects.get(number) ?? []);
    this.#freed.delete(number);
    this.#objects.delete(number);
    freed();
  }

  #hold(bytes: readonly Uint8Array[]): void {
    this.held += 1;
    this.#holders.set(bytes, (this.#holders.get(bytes) ?? 0) + 1);
  }

  #release(bytes: readonly Uint8Array[]): void {
    this.held -= 1;
    const holders = (this.#holders.get(bytes) ?? 0) - 1;
    if (holders > 0) this.#holders.set(bytes, holders);
    else this.#holders.delete(bytes);
  }
}

function sizeOf(objects: Iterable<readonly Uint8Array[]>): number {
  return [...objects].flat().reduce((sum, { length }) => sum + length, 0);
}

/** Bytes that are all the same. */
export function full(sizeBytes: number, value: number): Uint8Array {
  return new Uint8Array(sizeBytes).fill(value);
}
