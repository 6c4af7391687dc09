import { BackpressureError, ConfigError, PersistenceError } from '../../../errors.js';
import { errorOf } from '../../../foreign.js';
import { limits } from '../../../limits.js';
import type { Context } from '../../kernel/index.js';
import type { PersistedEvent, PersistenceEngine } from './engine.js';

interface Entry {
  readonly event: PersistedEvent;
  readonly properties: readonly unknown[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The events of one actor on their way to the engine: numbered in the order of the calls, and handed over in that order, so that no
 * event is stored before those that came first. After a failure nothing more is, because nobody knows any more what the store holds.
 */
export class Journal {
  /** Of the last event that was read or handed over. */
  sequenceNumber = 0;
  /** What the first event was not stored for. */
  failure: Error | undefined;
  readonly #engine: PersistenceEngine;
  readonly #key: string;
  readonly #actor: Context;
  readonly #onFailure: (error: Error) => void;
  #waiting: Entry[] = [];
  #writing: Promise<void> | undefined;

  /** `onFailure` is called once. */
  constructor(engine: PersistenceEngine, key: string, actor: Context, onFailure: (error: Error) => void) {
    this.#engine = engine;
    this.#key = key;
    this.#actor = actor;
    this.#onFailure = onFailure;
  }

  /** Resolves when all that was appended is stored, or has failed; undefined when nothing is on its way. */
  get settled(): Promise<void> | undefined {
    return this.#writing;
  }

  /** Resolves when the event is stored, and rejects when it may not be; then the actor fails, too. */
  append(encode: () => unknown, tags: string[], properties: readonly unknown[]): Promise<void> {
    const stored = new Promise<void>((resolve, reject) => {
      try {
        const event = this.#number(encode, tags);
        this.#waiting.push({ event, properties, resolve, reject });
        this.#writing ??= this.#write();
      } catch (error) {
        reject(this.#fail(error));
      }
    });
    // A function that does not wait for it learns of the failure through its actor.
    stored.catch(() => {});
    return stored;
  }

  #number(encode: () => unknown, tags: string[]): PersistedEvent {
    if (this.failure !== undefined) throw this.failure;
    if (this.#waiting.length >= limits.pendingEvents) {
      throw new BackpressureError(
        `${limits.pendingEvents} events of ${this.#key} are not stored yet: await ctx.persist`,
      );
    }
    if (!Array.isArray(tags) || tags.some((tag) => typeof tag !== 'string')) {
      throw new ConfigError('the tags of an event must be an array of strings');
    }
    const { epochMs } = this.#actor.scheduler;
    const data = encode();
    return {
      data,
      sequenceNumber: ++this.sequenceNumber,
      key: this.#key,
      tags: tags.toSorted(),
      createdAt: Math.round(epochMs + this.#actor.scheduler.now()),
      isDeleted: false,
    };
  }

  async #write(): Promise<void> {
    // What is persisted together, without waiting in between, is handed over together.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const entries = this.#takeTogether();
      try {
        await this.#actor.outside(Promise.resolve(this.#store(entries)));
        for (const { resolve } of entries) resolve();
      } catch (cause) {
        const error = this.#fail(this.#notStored(entries, cause));
        for (const { reject } of [...entries, ...this.#waiting.splice(0)]) reject(error);
      }
    }
    this.#writing = undefined;
  }

  /** All, where the engine takes them all at once, and the next otherwise. */
  #takeTogether(): Entry[] {
    const count = this.#engine.persistAll === undefined ? 1 : this.#waiting.findIndex(hasProperties);
    return this.#waiting.splice(0, count < 0 ? this.#waiting.length : Math.max(1, count));
  }

  #store(entries: readonly Entry[]): PromiseLike<unknown> | undefined {
    const [first] = entries;
    if (entries.length > 1) return this.#engine.persistAll?.(entries.map(({ event }) => event));
    return first === undefined ? undefined : this.#engine.persist(first.event, ...first.properties);
  }

  #notStored(entries: readonly Entry[], cause: unknown): PersistenceError {
    if (cause instanceof PersistenceError) return cause;
    const sequenceNumber = entries[0]?.event.sequenceNumber;
    return new PersistenceError(
      `event ${sequenceNumber} of ${this.#key} was not stored: the actor begins anew from what is, or ends, as its onCrash says`,
      { cause, key: this.#key, sequenceNumber },
    );
  }

  #fail(cause: unknown): Error {
    if (this.failure !== undefined) return this.failure;
    const error = errorOf(cause);
    this.failure = error;
    this.#onFailure(error);
    return error;
  }
}

function hasProperties({ properties }: Entry): boolean {
  return properties.length > 0;
}
