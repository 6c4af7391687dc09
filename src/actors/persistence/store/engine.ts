import { ConfigError } from '../../../errors.js';
import { shownValue } from '../../../foreign.js';
import { type HasSystem, rootSystemOf, type StoringSystem } from '../../kernel/index.js';

/** nact's record of an event. */
export interface PersistedEvent {
  readonly data: unknown;
  /** Position among the events of its key, from 1. */
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
  /** Sequence number of the last event that the state contains. */
  readonly sequenceNumber: number;
  readonly key: string;
  readonly createdAt: number;
}

/** The result of an engine's `events`, for example an array. An async-iterable result is read event by event instead of all at once. */
export interface EventStream {
  reduce<U>(callback: (previous: U, event: PersistedEvent, index: number) => U, initial: U): U | PromiseLike<U>;
  [Symbol.asyncIterator]?(): AsyncIterator<PersistedEvent, unknown>;
}

/** Stores the events and snapshots of persistent actors: nact's interface. */
export interface PersistenceEngine {
  /** Events of a key whose sequence number is above `offset`, in order. */
  events(persistenceKey: string, offset: number, limit?: number, tags?: string[]): EventStream;
  latestSnapshot(persistenceKey: string): PromiseLike<PersistedSnapshot | null | undefined>;
  takeSnapshot(persistedSnapshot: PersistedSnapshot): PromiseLike<unknown>;
  /** `properties` are the arguments of `ctx.persist` after the tags. */
  persist(persistedEvent: PersistedEvent, ...properties: unknown[]): PromiseLike<unknown>;
  /** Stores all of these or none. Without it, events that an actor persists together are stored one after the other. Not in nact. */
  persistAll?(persistedEvents: readonly PersistedEvent[]): PromiseLike<unknown>;
}

const METHODS = ['events', 'latestSnapshot', 'takeSnapshot', 'persist'];

function isEngine(value: unknown): value is PersistenceEngine {
  if (typeof value !== 'object' || value === null) return false;
  const methods: Record<string, unknown> = Object.fromEntries(METHODS.map((name) => [name, Reflect.get(value, name)]));
  return METHODS.every((name) => typeof methods[name] === 'function');
}

/** Throws ConfigError if the value is not an engine. */
export function checkEngine(value: unknown): void {
  if (!isEngine(value))
    throw new ConfigError(`a persistence engine must have the methods ${METHODS.join(', ')}; this value does not`);
}

/**
 * Sets the engine that stores the events of a runtime's persistent actors. Throws ConfigError if `engine` is not an engine.
 *
 *     configurePersistence(await LevelEngine.open('events'))(runtime);
 */
export function configurePersistence(engine: PersistenceEngine): (runtime: HasSystem) => void {
  checkEngine(engine);
  return (runtime) => {
    const system = rootSystemOf(runtime);
    if (system === undefined) throw new ConfigError(`an engine is set for a runtime, not for ${shownValue(runtime)}`);
    system.persistenceEngine = engine;
  };
}

/** The engine of `configurePersistence`; undefined where none was set. */
export function configuredEngine(system: StoringSystem | undefined): PersistenceEngine | undefined {
  const engine = system?.persistenceEngine;
  return isEngine(engine) ? engine : undefined;
}
