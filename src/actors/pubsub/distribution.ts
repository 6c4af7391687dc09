import { PipelineError } from '../../errors.js';
import type { UntypedRef } from '../kernel/index.js';
import type { OutgoingReader } from './outgoing-reader.js';
import { hashKey, type Policy } from './policy.js';

/** Distributes the elements of one writer to its readers by a policy. */
export class Distribution<T> {
  /** The readers that get elements, ordered by id. */
  targets: readonly OutgoingReader<T>[] = [];
  readonly #policy: Policy;
  readonly #key: ((value: T) => string | number | bigint) | undefined;
  readonly #isNear: (reader: UntypedRef) => boolean;
  #cursor = 0;

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

  /** Returns false, and sends nothing, if the readers of the policy have no room. Throws PipelineError if only some of them got the value. */
  send(value: T): boolean {
    switch (this.#policy) {
      case 'broadcast':
        return this.targets.every((reader) => reader.isWritable) && this.#sendToAll(value);
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

  /** Every reader has credit. If the link to one is full all the same, it gets the element as soon as there is room. */
  #sendToAll(value: T): boolean {
    let sent = 0;
    try {
      for (const reader of this.targets) {
        reader.sendOrQueue(value);
        sent++;
      }
    } catch (cause) {
      throw sent === 0 ? cause : new PipelineError(`an element reached only ${sent} of its readers`, { cause });
    }
    return true;
  }
}

function offer<T>(reader: OutgoingReader<T>, value: T): boolean {
  return reader.isWritable && reader.send(value);
}
