import { PersistenceError } from '../../../errors.js';
import { messageOf } from '../../../foreign.js';
import type { Context } from '../../kernel/index.js';
import type { EventStream, PersistedEvent, PersistedSnapshot, PersistenceEngine } from './engine.js';

/** The latest snapshot of a key. Rejects with PersistenceError when the engine fails, or returns an invalid snapshot. */
export async function latestSnapshot(
  engine: PersistenceEngine,
  key: string,
  actor: Context,
): Promise<PersistedSnapshot | undefined> {
  try {
    const snapshot = await actor.outside(Promise.resolve(engine.latestSnapshot(key)));
    if (snapshot === undefined || snapshot === null) return undefined;
    if (!isSequenceNumber(snapshot.sequenceNumber)) throw new TypeError('its sequence number is invalid');
    return snapshot;
  } catch (cause) {
    throw unreadable(cause, `the latest snapshot of ${key} cannot be read`, key, undefined);
  }
}

/** The events of a key after `offset`. Throws PersistenceError when the engine fails, or the events are out of order. */
export async function* eventsAfter(
  offset: number,
  engine: PersistenceEngine,
  key: string,
  actor: Context,
): AsyncGenerator<PersistedEvent> {
  let last = offset;
  try {
    for await (const event of read(engine.events(key, offset), actor)) {
      if (!isSequenceNumber(event.sequenceNumber) || event.sequenceNumber <= last) {
        throw new TypeError(`after event ${last}, the engine returned event ${String(event.sequenceNumber)}`);
      }
      last = event.sequenceNumber;
      yield event;
    }
  } catch (cause) {
    throw unreadable(cause, `the events of ${key} after event ${last} cannot be read`, key, last);
  }
}

/** Reads the stream. Only the engine's work counts as outside work, during which virtual time stops. */
async function* read(stream: EventStream, actor: Context): AsyncGenerator<PersistedEvent> {
  const iterator = stream[Symbol.asyncIterator]?.();
  if (iterator === undefined) {
    const collect = (events: PersistedEvent[], event: PersistedEvent): PersistedEvent[] => {
      events.push(event);
      return events;
    };
    yield* await actor.outside(Promise.resolve(stream.reduce(collect, [])));
    return;
  }
  try {
    for (;;) {
      const result = await actor.outside(iterator.next());
      if (result.done === true) return;
      yield result.value;
    }
  } finally {
    await iterator.return?.();
  }
}

function isSequenceNumber(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

/** The event or snapshot that `decode` makes of stored data. Throws PersistenceError, which names the record, when it cannot. */
export function decoded<T>(
  decode: (data: unknown) => T,
  data: unknown,
  what: 'event' | 'snapshot',
  key: string,
  sequenceNumber: number,
): T {
  try {
    return decode(data);
  } catch (cause) {
    throw unreadable(cause, `${what} ${sequenceNumber} of ${key} cannot be decoded`, key, sequenceNumber);
  }
}

/** Wraps an error of an engine. Keeps a PersistenceError, which has the details already. */
export function unreadable(
  cause: unknown,
  what: string,
  key: string,
  sequenceNumber: number | undefined,
): PersistenceError {
  if (cause instanceof PersistenceError) return cause;
  const why = messageOf(cause);
  return new PersistenceError(`${what}: ${why}`, { cause, key, sequenceNumber });
}
