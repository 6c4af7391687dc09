import { PersistenceError } from '../../errors.js';
import { messageOf } from '../../foreign.js';
import type { PersistedEvent, PersistedSnapshot, PersistenceEngine } from './store/index.js';

/**
 * Keeps events and snapshots in memory, for tests and simulations: they survive a restart of an actor and of a runtime, and not the end of
 * the process. Never forgets an event. As `LevelEngine`, it refuses an event that does not follow the last one of its key.
 *
 *     configurePersistence(new MemoryEngine())(runtime);
 */
export class MemoryEngine implements PersistenceEngine {
  readonly #events = new Map<string, PersistedEvent[]>();
  readonly #snapshots = new Map<string, PersistedSnapshot>();

  /** Copies of at most `limit` events above `offset` that have all of `tags`. */
  events(
    key: string,
    offset = 0,
    limit: number = Number.POSITIVE_INFINITY,
    tags: readonly string[] = [],
  ): PersistedEvent[] {
    return (this.#events.get(key) ?? [])
      .filter((event) => event.sequenceNumber > offset && tags.every((tag) => event.tags.includes(tag)))
      .slice(0, limit)
      .map(copyOf);
  }

  async latestSnapshot(key: string): Promise<PersistedSnapshot | undefined> {
    const snapshot = this.#snapshots.get(key);
    return snapshot && copyOf(snapshot);
  }

  async takeSnapshot(snapshot: PersistedSnapshot): Promise<void> {
    this.#snapshots.set(snapshot.key, copyOf(snapshot));
  }

  persist(event: PersistedEvent): Promise<void> {
    return this.persistAll([event]);
  }

  /** Stores all of these or none. Rejects with PersistenceError for a number that does not follow the key's last one. */
  async persistAll(events: readonly PersistedEvent[]): Promise<void> {
    const copies = events.map(copyOf);
    const lengths = new Map<string, number>();
    for (const { key, sequenceNumber } of copies) {
      const last = lengths.get(key) ?? this.#events.get(key)?.length ?? 0;
      if (sequenceNumber !== last + 1) throw outOfOrder(key, sequenceNumber, last);
      lengths.set(key, sequenceNumber);
    }
    for (const event of copies) {
      const stored = this.#events.get(event.key);
      if (stored === undefined) this.#events.set(event.key, [event]);
      else stored.push(event);
    }
  }
}

/** So that a later change of the data by its owner does not change the store. */
function copyOf<Stored extends PersistedEvent | PersistedSnapshot>(stored: Stored): Stored {
  try {
    return structuredClone(stored);
  } catch (cause) {
    const { key, sequenceNumber } = stored;
    throw new PersistenceError(`${key} has data that cannot be copied into the store: ${messageOf(cause)}`, {
      cause,
      key,
      sequenceNumber,
    });
  }
}

/** The error of an event that was numbered by an actor that does not know the last event of the key. */
function outOfOrder(key: string, sequenceNumber: number, last: number): PersistenceError {
  return new PersistenceError(
    `event ${sequenceNumber} of ${key} was refused, because the last one in the store is ${last}: another actor may use this key`,
    { key, sequenceNumber },
  );
}
