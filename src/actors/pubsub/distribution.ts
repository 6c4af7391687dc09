import { PipelineError } from '../../errors.js';
import type { OutgoingReader } from './outgoing-reader.js';
import { hashKey, type Policy } from './policy.js';

/** Divides the elements of one writer among its readers by a policy. */
export class Distribution<T> {
  /** Readers that elements go to, in the order of their ids. */
  targets: readonly OutgoingReader<T>[] = [];
  readonly #policy: Policy;
  readonly #key: ((value: T) => string | number | bigint) | undefined;
  #cursor = 0;

  constructor(policy: Policy, key: ((value: T) => string | number | bigint) | undefined) {
    this.#policy = policy;
    this.#key = key;
  }

  /** False where the policy's readers have no room: nothing was sent. PipelineError when a part of them has it. */
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

  /** Every reader had credit when it was looked at; one whose way is full all the same is owed the element until there is room. */
  #sendToAll(value: T): boolean {
    let sent = 0;
    try {
      for (const reader of this.targets) {
        reader.owe(value);
        sent++;
      }
    } catch (cause) {
      throw sent === 0 ? cause : new PipelineError(`an element reached ${sent} of its readers only`, { cause });
    }
    return true;
  }
}
