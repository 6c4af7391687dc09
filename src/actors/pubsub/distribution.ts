import type { UntypedRef } from '../kernel/index.js';
import type { OutgoingReader } from './outgoing-reader.js';
import { hashKey, type Policy } from './policy.js';

/** Some readers of a broadcast have an element, and it cannot be sent to the others. */
export class PartlySentError extends Error {}

/** A broadcast that some readers have, while the links or mailboxes of others are full. */
interface Partly<T> {
  readonly sent: number;
  readonly missing: readonly OutgoingReader<T>[];
}

/** Distributes the elements of one writer to its readers by a policy. */
export class Distribution<T> {
  /** The readers that get elements, ordered by id. */
  targets: readonly OutgoingReader<T>[] = [];
  readonly #policy: Policy;
  readonly #key: ((value: T) => string | number | bigint) | undefined;
  readonly #isNear: (reader: UntypedRef) => boolean;
  #cursor = 0;
  #partly: Partly<T> | undefined;

  /** `isNear` says for `local-first` which readers are in the partition of the writer. */
  constructor(
    policy: Policy,
    key: ((value: T) => string | number | bigint) | undefined,
    isNear: (reader: UntypedRef) => boolean = () => false,
  ) {
    this.#policy = policy;
    this.#key = key;
    this.#isNear = isNear;
  }

  /** Some readers have the value of the last call, and it has to be sent to the others that are still there. */
  get isPartlySent(): boolean {
    return this.#partly !== undefined;
  }

  /**
   * Returns false where the readers of the policy have no room. Then the next call must be for the same value: of a broadcast, some readers may have it.
   * Throws what the type of the value throws, and PartlySentError if only some readers got the value.
   */
  send(value: T): boolean {
    switch (this.#policy) {
      case 'broadcast':
        return (
          (this.#partly !== undefined || this.targets.every((reader) => reader.isWritable)) && this.#sendToAll(value)
        );
      case 'hash':
        return this.#sendTo(hashKey(this.#key?.(value) ?? '') % this.targets.length, value);
      case 'round-robin':
        return this.#sendToNext(value);
      case 'least-loaded':
        return this.#sendToLeastLoaded(value);
      case 'local-first':
        return (
          this.targets.some((reader) => this.#isNear(reader.subscriber) && offer(reader, value)) ||
          this.#sendToNext(value)
        );
    }
  }

  #sendTo(index: number, value: T): boolean {
    const reader = this.targets[index];
    return reader !== undefined && offer(reader, value);
  }

  #sendToLeastLoaded(value: T): boolean {
    const writable = this.targets.filter((reader) => reader.isWritable);
    return writable.sort((left, right) => right.creditItems - left.creditItems).some((reader) => reader.send(value));
  }

  #sendToNext(value: T): boolean {
    const count = this.targets.length;
    for (let tried = 0; tried < count; tried++) {
      const index = this.#cursor % count;
      this.#cursor = (index + 1) % count;
      if (this.#sendTo(index, value)) {
        return true;
      }
    }
    return false;
  }

  /** Every reader has credit. If the link to one is full all the same, the element is not sent until that one has it, too, or has left. Nobody who joins meanwhile gets it. */
  #sendToAll(value: T): boolean {
    const before = this.#partly;
    this.#partly = undefined;
    const missing: OutgoingReader<T>[] = [];
    let sent = before?.sent ?? 0;
    try {
      for (const reader of before?.missing.filter((each) => this.targets.includes(each)) ?? this.targets) {
        if (offer(reader, value)) sent++;
        else missing.push(reader);
      }
    } catch (cause) {
      throw sent === 0 ? cause : new PartlySentError(`an element reached only ${sent} of its readers`, { cause });
    }
    if (missing.length > 0 && sent > 0) this.#partly = { sent, missing };
    return missing.length === 0;
  }
}

function offer<T>(reader: OutgoingReader<T>, value: T): boolean {
  return reader.isWritable && reader.send(value);
}
