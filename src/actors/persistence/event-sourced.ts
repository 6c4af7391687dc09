import { ConfigError, MillraceError, PersistenceError, ProtocolError, StoppedError } from '../../errors.js';
import { isPlainObject, promiseOf, shownValue } from '../../foreign.js';
import type { MessageType } from '../../protocol/index.js';
import { checkRequest, type Context, nodeOf, type Stream } from '../kernel/index.js';
import { ActorPersistentContext, type EventSource } from './context.js';
import {
  decoded,
  eventsAfter,
  Journal,
  latestSnapshot,
  type PersistedSnapshot,
  type PersistenceEngine,
  Snapshots,
  unreadable,
} from './store/index.js';
import { type SnapshotCodec, storedMessages } from './stored-messages.js';

/** What one kind of persistent actor is made of: the options of `persistent`, checked. */
export interface Plan {
  readonly events: MessageType<unknown, unknown>;
  apply(state: unknown, event: unknown): unknown;
  readonly snapshotEvery: number | undefined;
  readonly snapshot: SnapshotCodec<unknown> | undefined;
}

/**
 * One incarnation of a persistent actor, and the state of the kernel's actor. Its own state is made of the stored events only: an event is
 * applied before it is stored, to find out whether it can be, and the result becomes the state when it is stored.
 */
export class EventSourced implements EventSource {
  /** Contains all stored events, and no other. */
  state: unknown;
  readonly context: ActorPersistentContext;
  readonly #plan: Plan;
  readonly #key: string;
  readonly #engine: PersistenceEngine;
  readonly #actor: Context;
  readonly #journal: Journal;
  readonly #snapshots: Snapshots;
  readonly #stored: SnapshotCodec<unknown>;
  /** Contains the events that are being stored, too. */
  #ahead: unknown;
  /** Turns of the user's code that have not ended: only they may persist. More than one while a promise is pending. */
  #turns = 0;
  #hasRecovered = false;

  constructor(plan: Plan, initial: unknown, key: string, engine: PersistenceEngine, actor: Context) {
    this.#plan = plan;
    this.#key = key;
    this.#engine = engine;
    this.#actor = actor;
    this.state = this.#shown(initial);
    this.#ahead = this.state;
    this.context = new ActorPersistentContext(actor, this);
    this.#stored = storedMessages(plan.events);
    // The store may contain the event or not, so this incarnation must not continue.
    this.#journal = new Journal(engine, key, actor, (cause) => actor.fail(this.#notStored(cause)));
    this.#snapshots = new Snapshots(engine, actor, plan.snapshotEvery, (state) => plan.snapshot?.encode(state));
  }

  /**
   * Reads the latest snapshot and the events after it. Resolves to `false` when the actor was stopped meanwhile. Rejects with
   * PersistenceError for what cannot be read or applied.
   */
  async recover(): Promise<boolean> {
    const { snapshot } = this.#plan;
    // All events are in the store, too: without a codec the state is made of them.
    const latest = snapshot && (await latestSnapshot(this.#engine, this.#key, this.#actor));
    if (snapshot !== undefined && latest !== undefined) this.#restore(latest, snapshot);
    for await (const event of eventsAfter(this.#journal.sequenceNumber, this.#engine, this.#key, this.#actor)) {
      if (isStopping(this.#actor)) return false;
      const { data, sequenceNumber, isDeleted } = event;
      if (!isDeleted) this.#replay(data, sequenceNumber);
      this.#journal.sequenceNumber = sequenceNumber;
    }
    this.#ahead = this.state;
    this.#hasRecovered = true;
    this.#considerSnapshot();
    return true;
  }

  persist(inits: readonly unknown[]): Promise<unknown> {
    this.#assertInTurn();
    this.#journal.assertRoom(inits.length);
    const events = inits.map((init) => this.#eventOf(init));
    const records = events.map((event) => this.#stored.encode(event));
    this.#ahead = events.reduce((state, event) => this.#apply(state, event), this.#ahead);
    const stored = this.#store(records, this.#ahead);
    // If the code does not await the promise, its turn reports the failure.
    stored.catch(() => {});
    return stored;
  }

  /**
   * Runs code of the user as a turn: it ends when the result has settled, and all events that it has persisted are stored. Throws
   * PersistenceError when the state is not that of the store.
   */
  run(code: () => unknown): unknown {
    this.#assertIntact();
    this.#turns++;
    let result: unknown;
    let failure: { readonly error: unknown } | undefined;
    try {
      result = code();
    } catch (error) {
      failure = { error };
    }
    const outcome = (): unknown => {
      if (failure !== undefined) throw failure.error;
      return result;
    };
    if (promiseOf(result) !== undefined || this.#journal.settled !== undefined) return this.#finish(outcome);
    this.#endTurn();
    return outcome();
  }

  /** The requests of a message. While its handler waits for one, other messages are handled: all events are stored before that. */
  requests(given: Stream<unknown>): Stream<unknown> {
    const requests: Stream<unknown> = {
      next: async () => {
        await this.#eventsStored();
        return given.next();
      },
      return: () => given.return(),
      throw: (error) => given.throw(error),
      [Symbol.asyncIterator]: () => requests,
      [Symbol.asyncDispose]: () => given[Symbol.asyncDispose](),
    };
    return requests;
  }

  /** Runs the last code of this incarnation. Resolves when nothing is being stored any more. */
  async end(code: () => unknown): Promise<void> {
    try {
      this.#turns++;
      if (this.#hasRecovered) await code();
    } finally {
      await this.#eventsStored();
      await this.#snapshots.settled;
    }
  }

  async #finish(outcome: () => unknown): Promise<unknown> {
    try {
      return await outcome();
    } finally {
      await this.#eventsStored();
      this.#endTurn();
      this.#assertIntact();
    }
  }

  /** Does not reject: see `assertIntact`. */
  async #eventsStored(): Promise<void> {
    while (this.#journal.settled !== undefined) await this.#journal.settled;
  }

  #endTurn(): void {
    this.#turns--;
    this.#considerSnapshot();
  }

  async #store(records: readonly unknown[], next: unknown): Promise<unknown> {
    // Appended in one go, so that the journal stores them together.
    await Promise.all(records.map((record) => this.#journal.append(() => record, [], [])));
    this.state = next;
    return next;
  }

  /** The kernel restarts or stops the actor because of the same failure, in its next turn. */
  #assertIntact(): void {
    if (this.#journal.failure !== undefined) throw this.#notStored(this.#journal.failure);
    if (this.#hasRecovered) return;
    const key = this.#key;
    throw new PersistenceError(`${this.#actor.path} has not recovered the state of ${key}, so it handles nothing`, {
      key,
    });
  }

  #notStored(cause: Error): PersistenceError {
    return unreadable(cause, `an event of ${this.#key} was not stored`, this.#key, undefined);
  }

  #assertInTurn(): void {
    if (hasEnded(this.#actor)) {
      throw new StoppedError(
        `${this.#actor.path} cannot persist an event through a context from before its stop or restart`,
      );
    }
    if (this.#turns > 0) return;
    throw new ConfigError(
      `${this.#actor.path} persists an event outside of a handler, hook or timer: the state may have changed meanwhile; use ctx.pipe, or send a message to ctx.self`,
    );
  }

  /** The event with its defaults. */
  #eventOf(init: unknown): unknown {
    const { events } = this.#plan;
    const needs = `an event of ${this.#actor.path}`;
    try {
      checkRequest({ fullName: needs, request: events }, init ?? null);
      return events.create(init);
    } catch (cause) {
      if (cause instanceof MillraceError) throw cause;
      throw new ProtocolError(`${needs} cannot be made of this value`, { cause });
    }
  }

  #apply(state: unknown, event: unknown): unknown {
    const next = this.#plan.apply(state, event);
    if (next !== undefined && promiseOf(next) === undefined) return this.#shown(next);
    throw new ConfigError(
      `apply of ${this.#actor.path} must return the next state, at once and not as a promise, and not ${shownValue(next)}`,
    );
  }

  /** In a test of the behavior alone, a state that is changed in place is an error at the line that changes it. */
  #shown(state: unknown): unknown {
    return nodeOf(this.#actor.self) === undefined ? frozen(state) : state;
  }

  #restore({ data, sequenceNumber }: PersistedSnapshot, codec: SnapshotCodec<unknown>): void {
    this.state = decoded((stored) => codec.decode(stored), data, 'snapshot', this.#key, sequenceNumber);
    this.#journal.sequenceNumber = sequenceNumber;
    this.#snapshots.restored({ sequenceNumber });
  }

  #replay(data: unknown, sequenceNumber: number): void {
    const event = decoded((stored) => this.#stored.decode(stored), data, 'event', this.#key, sequenceNumber);
    try {
      this.state = this.#apply(this.state, event);
    } catch (cause) {
      throw unreadable(cause, `event ${sequenceNumber} of ${this.#key} cannot be applied`, this.#key, sequenceNumber);
    }
  }

  #considerSnapshot(): void {
    if (this.#turns > 0 || this.#journal.settled !== undefined || this.#journal.failure !== undefined) return;
    this.#snapshots.consider(this.#key, this.#journal.sequenceNumber, this.state);
  }
}

/** Freezes objects and arrays, and what is in them. Others, such as a Map, cannot be frozen. */
function frozen(state: unknown): unknown {
  if (!isPlain(state) || Object.isFrozen(state)) return state;
  Object.freeze(state);
  for (const value of Object.values(state)) frozen(value);
  return state;
}

function isPlain(value: unknown): value is object {
  return Array.isArray(value) || isPlainObject(value);
}

/** Nothing has to be recovered any more. */
function isStopping(actor: Context): boolean {
  const phase = nodeOf(actor.self)?.phase;
  return phase === 'stopping' || phase === 'stopped';
}

/** The incarnation that the context belongs to has stopped or restarted, such as one whose handler was abandoned. */
function hasEnded(actor: Context): boolean {
  const node = nodeOf(actor.self);
  return node !== undefined && (node.phase === 'stopped' || node.context !== actor);
}
