import type { ClassicLevel } from 'classic-level';
import { PersistenceError } from '../../../errors.js';
import type { EventStream, PersistedEvent } from '../store/index.js';
import { endOfRecords, readEvent, recordKey, sequenceNumberOf } from './records.js';

/** Records read from the store at a time. */
const PAGE = 256;

/** The events of one key: through nact's `reduce`, as a promise of all, or by async iteration. */
export class LevelEvents implements EventStream, PromiseLike<PersistedEvent[]> {
  readonly #db: ClassicLevel;
  readonly #key: string;
  readonly #offset: number;
  readonly #limit: number;
  readonly #tags: readonly string[];

  /** At most `limit` events above `offset` that have all of `tags`. */
  constructor(db: ClassicLevel, key: string, offset: number, limit: number, tags: readonly string[]) {
    this.#db = db;
    this.#key = key;
    this.#offset = offset;
    this.#limit = limit;
    this.#tags = tags;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<PersistedEvent, undefined> {
    let left = this.#limit;
    if (left <= 0) return;
    for await (const event of this.#all()) {
      if (!this.#tags.every((tag) => event.tags.includes(tag))) continue;
      yield event;
      left--;
      if (left === 0) return;
    }
  }

  async reduce<U>(callback: (previous: U, event: PersistedEvent, index: number) => U, initial: U): Promise<U> {
    let [result, index] = [initial, 0];
    for await (const event of this) {
      result = callback(result, event, index++);
      // nact's callback returns a promise. Awaiting it keeps one page of the store in memory at a time.
      await result;
    }
    return result;
  }

  // oxlint-disable-next-line unicorn/no-thenable -- nact's interface: what `events` returns can be awaited.
  then<A = PersistedEvent[], B = never>(
    onFulfilled?: ((events: PersistedEvent[]) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    const collect = (events: PersistedEvent[], event: PersistedEvent): PersistedEvent[] => {
      events.push(event);
      return events;
    };
    return this.reduce(collect, []).then(onFulfilled, onRejected);
  }

  /** Throws PersistenceError for a record that is damaged or missing: this store's sequence numbers have no gaps. */
  async *#all(): AsyncGenerator<PersistedEvent> {
    const key = this.#key;
    let last = this.#offset;
    const iterator = this.#db.iterator({ gt: recordKey('event', key, last), lt: endOfRecords('event', key) });
    try {
      for (;;) {
        const page = await iterator.nextv(PAGE);
        if (page.length === 0) return;
        for (const [record, text] of page) {
          const sequenceNumber = sequenceNumberOf(record);
          if (sequenceNumber !== last + 1) throw missing(key, last + 1);
          last = sequenceNumber;
          yield readEvent(text, key, sequenceNumber);
        }
      }
    } finally {
      await iterator.close();
    }
  }
}

function missing(key: string, sequenceNumber: number): PersistenceError {
  return new PersistenceError(`event ${sequenceNumber} of ${key} is missing from the store: restore it from a backup`, {
    key,
    sequenceNumber,
  });
}
