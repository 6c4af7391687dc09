import { PipelineError } from '../../errors.js';
import type { OutgoingReader } from './outgoing-reader.js';
import { hashKey, type Policy } from './policy.js';

/** Distributes the elements of one writer to its readers by a policy. */
export class Distribution<T> {
  /** The readers that get elements, ordered by id. */
  targets: readonly OutgoingReader<T>[] = [];
  readonly #policy: Policy;
  readonly #key: ((value: T) => string | number | bigint) | undefined;
  #cursor = 0;

  constructor(policy: Policy, key: ((value: T) => string | number | bigint) | undefined) {
    this.#policy = policy;
    this.#key = key;
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
    }
  }

  #sendTo(index: number, value: T): boolean {
    const reader = this.targets[index];
    return reader?.isWritable === true && reader.send(value);
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
