import { ConfigError, HandlerError, StoppedError } from '../../../errors.js';
import { messageOf, shownValue } from '../../../foreign.js';
import { type Context, nodeOf } from '../../kernel/index.js';
import {
  decoded,
  eventsAfter,
  latestSnapshot,
  type PersistedEvent,
  type PersistenceEngine,
  Snapshots,
} from '../../persistence/store/index.js';
import { dispatch } from '../messaging.js';
import type { Parent } from '../reference.js';
import { spawnStateless } from '../spawn.js';
import type { Milliseconds } from '../time.js';
import { checkPersistent } from './props.js';
import { engineOf } from './spawn-persistent.js';

/** Adds one stored event to the state; returns the next state, or a promise of it. */
export type PersistentQueryFunc<State, Msg> = (state: State, msg: Msg) => State | Promise<State>;

export interface PersistentQueryProps<State, Msg> {
  /** Under which the snapshots of the query are stored; not that of the events. Default: no snapshots. */
  readonly snapshotKey?: string | undefined;
  /** Number of events between snapshots. Needs `snapshotKey`. */
  readonly snapshotEvery?: number | undefined;
  /** How long after a call the state stays in memory. Default: as long as the parent lives. */
  readonly cacheDuration?: Milliseconds | undefined;
  readonly snapshotEncoder?: ((state: State) => unknown) | undefined;
  readonly snapshotDecoder?: ((data: unknown) => State) | undefined;
  readonly encoder?: ((msg: Msg) => unknown) | undefined;
  readonly decoder?: ((data: unknown) => Msg) | undefined;
  readonly initialState?: State | undefined;
}

/** A call that waits for its state. */
interface Pending {
  readonly resolve: (state: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Returns a function that makes a state of all events stored under `key`, as nact's `persistentQuery`. The state stays in memory, so a later
 * call reads only the events after it. Calls that overlap share one promise, which rejects with PersistenceError when the events cannot be
 * read, with HandlerError when `f` throws, and with StoppedError when `parent` has stopped. Throws ConfigError as `spawnPersistent` does.
 *
 *     const visits = persistentQuery(runtime, (count: number) => count + 1, 'visits', { initialState: 0 });
 *     console.log(await visits());
 */
export function persistentQuery<State, Msg>(
  parent: Parent,
  f: PersistentQueryFunc<State, Msg>,
  key: string,
  properties?: PersistentQueryProps<State, Msg>,
): () => Promise<State>;
export function persistentQuery(
  parent: Parent,
  f: UntypedFunc,
  key: string,
  properties: UntypedProps = {},
): () => Promise<unknown> {
  checkQuery(f, key, properties);
  const fold = new EventFold(f, key, engineOf(parent), properties);
  const reader = spawnStateless(parent, async (call: Pending, ctx) => {
    await fold.read(ctx.actor).then(call.resolve, call.reject);
  });
  let pending: Promise<unknown> | undefined;
  return () => {
    pending ??= new Promise((resolve, reject) => {
      if (!dispatch(reader, { resolve, reject })) {
        reject(stopped(key));
      }
    }).finally(() => {
      pending = undefined;
    });
    return pending;
  };
}

type UntypedProps = PersistentQueryProps<unknown, unknown>;
type UntypedFunc = PersistentQueryFunc<unknown, unknown>;

/** The state of a query, and how far it has read. */
class EventFold {
  readonly #f: UntypedFunc;
  readonly #key: string;
  readonly #engine: PersistenceEngine;
  readonly #props: UntypedProps;
  #state: unknown;
  #sequenceNumber = 0;
  #snapshots: Snapshots | undefined;

  constructor(f: UntypedFunc, key: string, engine: PersistenceEngine, props: UntypedProps) {
    this.#f = f;
    this.#key = key;
    this.#engine = engine;
    this.#props = props;
    this.#state = props.initialState;
  }

  async read(actor: Context): Promise<unknown> {
    const { snapshotKey, cacheDuration } = this.#props;
    try {
      this.#snapshots ??= await this.#restore(actor);
      for await (const event of eventsAfter(this.#sequenceNumber, this.#engine, this.#key, actor)) {
        if (nodeOf(actor.self)?.phase !== 'running') throw stopped(this.#key);
        if (!event.isDeleted) this.#state = await this.#add(event);
        this.#sequenceNumber = event.sequenceNumber;
      }
    } catch (error) {
      this.#forget();
      throw error;
    }
    const state = this.#state;
    if (snapshotKey !== undefined) this.#snapshots.consider(snapshotKey, this.#sequenceNumber, state);
    if (cacheDuration !== undefined) actor.after(cacheDuration, () => this.#forget(), { key: 'cache' });
    return state;
  }

  async #restore(actor: Context): Promise<Snapshots> {
    const { snapshotKey, snapshotEvery, snapshotEncoder, snapshotDecoder } = this.#props;
    const snapshots = new Snapshots(this.#engine, actor, snapshotEvery, (state) => snapshotEncoder?.(state) ?? state);
    if (snapshotKey === undefined) return snapshots;
    const snapshot = await latestSnapshot(this.#engine, snapshotKey, actor);
    if (snapshot === undefined) return snapshots;
    const { data, sequenceNumber } = snapshot;
    this.#state = this.#decode(snapshotDecoder, data, 'snapshot', sequenceNumber);
    this.#sequenceNumber = sequenceNumber;
    snapshots.restored(snapshot);
    return snapshots;
  }

  async #add({ data, sequenceNumber }: PersistedEvent): Promise<unknown> {
    const message = this.#decode(this.#props.decoder, data, 'event', sequenceNumber);
    try {
      return await this.#f(this.#state, message);
    } catch (cause) {
      const why = messageOf(cause);
      throw new HandlerError(`the query of ${this.#key} failed on event ${sequenceNumber}: ${why}`, { cause });
    }
  }

  #decode(decode: UntypedProps['decoder'], data: unknown, what: 'event' | 'snapshot', sequenceNumber: number): unknown {
    return decode === undefined ? data : decoded(decode, data, what, this.#key, sequenceNumber);
  }

  /** The next call begins at the latest snapshot. */
  #forget(): void {
    this.#state = this.#props.initialState;
    this.#sequenceNumber = 0;
    this.#snapshots = undefined;
  }
}

function stopped(key: string): StoppedError {
  return new StoppedError(`the query of ${key} has no result: the actor above it has stopped`);
}

/** Throws ConfigError for an invalid function, key, interval or time. */
function checkQuery(f: unknown, key: unknown, properties: UntypedProps): void {
  if (typeof f !== 'function')
    throw new ConfigError(`the function of a query must be a function, not ${shownValue(f)}`);
  checkPersistent(key, properties);
  const { snapshotKey, snapshotEvery, cacheDuration } = properties;
  const wantsKey = snapshotEvery !== undefined && snapshotEvery > 0;
  if (snapshotKey === undefined ? wantsKey : typeof snapshotKey !== 'string' || snapshotKey === '') {
    throw new ConfigError(
      `the snapshotKey of a query must be a text that is not empty, not ${shownValue(snapshotKey)}`,
    );
  }
  if (cacheDuration !== undefined && !(typeof cacheDuration === 'number' && cacheDuration > 0)) {
    throw new ConfigError(`cacheDuration must be a positive number of milliseconds, not ${shownValue(cacheDuration)}`);
  }
}
