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
 * Writes the events of one actor to the engine: numbers them in the order of the calls, and stores them in that order, so that no event
 * is stored before an earlier one. After a failure it stores nothing more, because the content of the store is unknown then.
 */
export class Journal {
  /** Sequence number of the last event that was read or numbered. */
  sequenceNumber = 0;
  /** The first failure; undefined while there was none. */
  failure: Error | undefined;
  readonly #engine: PersistenceEngine;
  readonly #key: string;
  readonly #actor: Context;
  readonly #onFailure: (error: Error) => void;
  #waiting: Entry[] = [];
  /** Events that are not stored, those that are being written included. */
  #pending = 0;
  #writing: Promise<void> | undefined;

  /** `onFailure` is called once. */
  constructor(engine: PersistenceEngine, key: string, actor: Context, onFailure: (error: Error) => void) {
    this.#engine = engine;
    this.#key = key;
    this.#actor = actor;
    this.#onFailure = onFailure;
  }

  /** Resolves when all appended events are stored, or have failed; undefined when none is pending. */
  get settled(): Promise<void> | undefined {
    return this.#writing;
  }

  /** Throws BackpressureError when so many more events would be more than `pendingEvents` that are not stored. */
  assertRoom(count: number): void {
    if (this.#pending + count <= limits.pendingEvents) return;
    throw new BackpressureError(
      count > limits.pendingEvents
        ? `${count} events of ${this.#key} were given to one call of ctx.persist, which stores ${limits.pendingEvents} at most (limit pendingEvents): nothing was stored, use several calls`
        : `${this.#pending} events of ${this.#key} are not stored yet, and ${count} more would be over the limit of ${limits.pendingEvents} (pendingEvents): nothing was stored, await ctx.persist before`,
    );
  }

  /** Resolves when the event is stored. Rejects when it may not be; then the actor fails too. */
  append(encode: () => unknown, tags: string[], properties: readonly unknown[]): Promise<void> {
    const stored = new Promise<void>((resolve, reject) => {
      try {
        const event = this.#number(encode, tags);
        this.#waiting.push({ event, properties, resolve, reject });
        this.#pending++;
        this.#writing ??= this.#write();
      } catch (error) {
        reject(this.#fail(error));
      }
    });
    // If the function does not await the promise, its actor reports the failure.
    stored.catch(() => {});
    return stored;
  }

  #number(encode: () => unknown, tags: string[]): PersistedEvent {
    if (this.failure !== undefined) throw this.failure;
    this.assertRoom(1);
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
    // Events that are persisted without an await between them are stored together.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const entries = this.#takeTogether();
      try {
        await this.#actor.outside(Promise.resolve(this.#store(entries)));
        this.#pending -= entries.length;
        for (const { resolve } of entries) resolve();
      } catch (cause) {
        const error = this.#fail(this.#notStored(entries, cause));
        const failed = [...entries, ...this.#waiting.splice(0)];
        this.#pending -= failed.length;
        for (const { reject } of failed) reject(error);
      }
    }
    this.#writing = undefined;
  }

  /** The next events to store together: one, unless the engine has `persistAll`. */
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
      `event ${sequenceNumber} of ${this.#key} was not stored; the actor restarts from the stored events or stops, as its supervision decides`,
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
