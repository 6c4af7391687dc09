import { PersistenceError } from '../../../errors.js';
import { messageOf } from '../../../foreign.js';
import type { PersistedEvent, PersistedSnapshot } from '../store/index.js';

// The records of the store. Keys sort by sequence number; persistence keys are encoded, so they contain no slash:
//
//     event/<persistence key, percent-encoded>/<sequence number, 16 digits>      JSON { data, tags, createdAt, isDeleted }
//     snapshot/<persistence key, percent-encoded>/<sequence number, 16 digits>   JSON { data, createdAt }
//     format                                                                     "1"

export type Kind = 'event' | 'snapshot';

export const FORMAT_KEY = 'format';
export const FORMAT = '1';

/** As many digits as Number.MAX_SAFE_INTEGER has. */
const DIGITS = 16;

/** Throws PersistenceError for a persistence key that is not well-formed Unicode. */
export function recordKey(kind: Kind, key: string, sequenceNumber: number): string {
  return `${prefix(kind, key)}${String(sequenceNumber).padStart(DIGITS, '0')}`;
}

/** A key after all records of a kind and persistence key. */
export function endOfRecords(kind: Kind, key: string): string {
  return `${prefix(kind, key)}:`;
}

export function sequenceNumberOf(record: string): number {
  return Number(record.slice(-DIGITS));
}

function prefix(kind: Kind, key: string): string {
  try {
    return `${kind}/${encodeURIComponent(key)}/`;
  } catch (cause) {
    throw new PersistenceError(`${JSON.stringify(key)} is not well-formed Unicode, so it cannot be a persistence key`, {
      cause,
      key,
    });
  }
}

/** Throws PersistenceError for an invalid sequence number, and for data that cannot be written as JSON. */
export function writeEvent({ data, tags, createdAt, isDeleted, key, sequenceNumber }: PersistedEvent): string {
  return write('event', key, sequenceNumber, { data, tags, createdAt, isDeleted });
}

export function writeSnapshot({ data, createdAt, key, sequenceNumber }: PersistedSnapshot): string {
  return write('snapshot', key, sequenceNumber, { data, createdAt });
}

function write(kind: Kind, key: string, sequenceNumber: number, record: object): string {
  if (!Number.isSafeInteger(sequenceNumber) || sequenceNumber < (kind === 'event' ? 1 : 0)) {
    throw new PersistenceError(`an ${kind} of ${key} cannot have the sequence number ${sequenceNumber}`, {
      key,
      sequenceNumber,
    });
  }
  try {
    return JSON.stringify(record);
  } catch (cause) {
    const why = messageOf(cause);
    throw new PersistenceError(
      `${kind} ${sequenceNumber} of ${key} cannot be written as JSON (${why}): give the actor an encoder`,
      { cause, key, sequenceNumber },
    );
  }
}

/** Throws PersistenceError for a damaged record. */
export function readEvent(text: string, key: string, sequenceNumber: number): PersistedEvent {
  const { data, tags, createdAt, isDeleted } = read('event', text, key, sequenceNumber);
  if (!isTags(tags) || typeof createdAt !== 'number' || typeof isDeleted !== 'boolean') {
    throw malformed('event', key, sequenceNumber);
  }
  return { data, tags, createdAt, isDeleted, key, sequenceNumber };
}

/** Throws PersistenceError for a damaged record. */
export function readSnapshot(text: string, key: string, sequenceNumber: number): PersistedSnapshot {
  const { data, createdAt } = read('snapshot', text, key, sequenceNumber);
  if (typeof createdAt !== 'number') throw malformed('snapshot', key, sequenceNumber);
  return { data, createdAt, key, sequenceNumber };
}

function read(kind: Kind, text: string, key: string, sequenceNumber: number): Readonly<Record<string, unknown>> {
  let record: unknown;
  try {
    record = JSON.parse(text);
  } catch (cause) {
    throw malformed(kind, key, sequenceNumber, cause);
  }
  if (typeof record !== 'object' || record === null) throw malformed(kind, key, sequenceNumber);
  return { ...record };
}

function isTags(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((tag) => typeof tag === 'string');
}

function malformed(kind: Kind, key: string, sequenceNumber: number, cause?: unknown): PersistenceError {
  return new PersistenceError(
    `${kind} ${sequenceNumber} of ${key} is damaged in the store: restore it from a backup, or delete it`,
    { cause, key, sequenceNumber },
  );
}
