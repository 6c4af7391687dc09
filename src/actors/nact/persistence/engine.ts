import { ConfigError } from '../../../errors.js';

/** nact's record of an event. */
export interface PersistedEvent {
  readonly data: unknown;
  /** Counts the events of one key, from 1. */
  readonly sequenceNumber: number;
  /** The persistence key of the actor. */
  readonly key: string;
  /** In alphabetical order. */
  readonly tags: string[];
  /** Ms since 1970. */
  readonly createdAt: number;
  readonly isDeleted: boolean;
}

/** nact's record of a state. */
export interface PersistedSnapshot {
  readonly data: unknown;
  /** Of the last event that the state knows of. */
  readonly sequenceNumber: number;
  readonly key: string;
  readonly createdAt: number;
}

/** What `events` of an engine returns; an array will do. One that can be iterated is read piece by piece instead of all at once. */
export interface EventStream {
  reduce<U>(callback: (previous: U, event: PersistedEvent, index: number) => U, initial: U): U | PromiseLike<U>;
  [Symbol.asyncIterator]?(): AsyncIterator<PersistedEvent, unknown>;
}

/** Where persistent actors keep their events and snapshots: nact's interface. */
export interface PersistenceEngine {
  /** Events of a key whose sequence number is above `offset`, in order. */
  events(persistenceKey: string, offset: number, limit?: number, tags?: string[]): EventStream;
  latestSnapshot(persistenceKey: string): PromiseLike<PersistedSnapshot | null | undefined>;
  takeSnapshot(persistedSnapshot: PersistedSnapshot): PromiseLike<unknown>;
  /** `properties` are what the actor gave to `ctx.persist` after the tags. */
  persist(persistedEvent: PersistedEvent, ...properties: unknown[]): PromiseLike<unknown>;
  /** All of these or none. Without it, events that an actor persists together are persisted one after the other. Not in nact. */
  persistAll?(persistedEvents: readonly PersistedEvent[]): PromiseLike<unknown>;
}

const METHODS = ['events', 'latestSnapshot', 'takeSnapshot', 'persist'];

export function isEngine(value: unknown): value is PersistenceEngine {
  if (typeof value !== 'object' || value === null) return false;
  const methods: Record<string, unknown> = Object.fromEntries(METHODS.map((name) => [name, Reflect.get(value, name)]));
  return METHODS.every((name) => typeof methods[name] === 'function');
}

/** Throws ConfigError if the value is not an engine. */
export function checkEngine(value: unknown): void {
  if (!isEngine(value))
    throw new ConfigError(`a persistence engine has the methods ${METHODS.join(', ')}; this has not`);
}
