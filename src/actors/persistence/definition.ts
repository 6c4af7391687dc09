import { ConfigError } from '../../errors.js';
import { isRecord } from '../../foreign.js';
import type { AnyService, MessageType } from '../../protocol/index.js';
import {
  type ActorRef,
  type BehaviorOptions,
  type Context,
  type Ending,
  isService,
  type RequestOf,
  type ResultOf,
  type Terminated,
  type UntypedRef,
} from '../kernel/index.js';
import { type Accepted, accepted, type AcceptedOptions, checkOptions } from '../../options/index.js';
import type { PersistentContext } from './context.js';
import { checkEngine, type PersistenceEngine } from './store/index.js';
import { isMessageType, type SnapshotCodec } from './stored-messages.js';

/** Hooks for the events of a persistent actor other than messages: as `Lifecycle` of a behavior, with its own context. */
export interface PersistentLifecycle<State, EventInit, Self extends UntypedRef = UntypedRef> {
  /** Called when the state was recovered, before the first message. */
  started?(state: State, ctx: PersistentContext<State, EventInit, Self>): void | PromiseLike<void>;
  terminated?(
    state: State,
    event: Terminated,
    ctx: PersistentContext<State, EventInit, Self>,
  ): void | PromiseLike<void>;
  idle?(state: State, ctx: PersistentContext<State, EventInit, Self>): void | PromiseLike<void>;
  /** Not called when the recovery has failed. */
  stopping?(state: State, ctx: PersistentContext<State, EventInit, Self>, ending: Ending): void | PromiseLike<void>;
}

/** The options of a persistent behavior besides its handlers. */
export interface PersistentOptions<State, Event, EventInit, Self extends UntypedRef = UntypedRef>
  extends Pick<BehaviorOptions<State>, 'supervision' | 'mailbox' | 'idleTimeoutMs'> {
  /** Under which the events are stored. Only one actor at a time may have it. A function makes it of the context, such as of the name. */
  readonly id: string | ((this: void, ctx: Context) => string);
  /** The message type of the events: where there are several kinds, a message with a `oneof`. */
  readonly events: MessageType<Event, EventInit>;
  /** The state before the first event. */
  state(this: void): State;
  /** The state after an event. Must be pure: it returns the next state, does not change the given one, and does nothing else. */
  apply(this: void, state: State, event: Event): State;
  /** Number of events between snapshots, which shorten the recovery. Needs `snapshot`. Default: no snapshots. */
  readonly snapshotEvery?: number | undefined;
  /** How a state is stored: its message type where the state is a message, or two functions. */
  readonly snapshot?: MessageType<State, unknown> | SnapshotCodec<State> | undefined;
  /** Default: the engine that `configurePersistence` has set for the runtime. */
  readonly engine?: PersistenceEngine | undefined;
  readonly on?: PersistentLifecycle<State, EventInit, Self>;
}

/** One handler for each rpc of a service. No rpc may have the name of an option. */
export type PersistentHandlers<S extends AnyService, State, EventInit> = {
  readonly [K in Exclude<keyof S['methods'], keyof PersistentOptions<State, unknown, EventInit>>]: (
    state: State,
    request: RequestOf<S['methods'][K]>,
    ctx: PersistentContext<State, EventInit, ActorRef<S>>,
  ) => ResultOf<S['methods'][K]>;
};

/** A definition whose handlers the compiler does not check against the service. */
export type UntypedPersistent = PersistentOptions<unknown, unknown, unknown> & Readonly<Record<string, unknown>>;

const HOOKS: AcceptedOptions = {
  started: accepted.callback,
  terminated: accepted.callback,
  idle: accepted.callback,
  stopping: accepted.callback,
};
const ID: Accepted = {
  what: 'a text that is not empty, or a function that returns one',
  is: (value) => typeof value === 'function' || (typeof value === 'string' && value !== ''),
};
const EVENTS: Accepted = { what: 'the message type of the events, from a generated module', is: isMessageType };
const INTERVAL: Accepted = {
  what: 'a whole number of events',
  is: (value) => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0,
};
const OPTIONS: AcceptedOptions = {
  id: ID,
  events: EVENTS,
  state: accepted.callback,
  apply: accepted.callback,
  snapshotEvery: INTERVAL,
  snapshot: accepted.object,
  engine: accepted.object,
};
const REQUIRED = ['id', 'events', 'state', 'apply'];

/** Throws ConfigError for what the compiler sees in TypeScript, and for an rpc that has the name of an option. */
export function checkDefinition(service: AnyService, definition: UntypedPersistent): void {
  if (!isService(service) || !isRecord(definition)) {
    throw new ConfigError(
      'persistent needs a service of a module that millrace gen made, and its definition, as in persistent(Account, { id, events, state, apply, ... })',
    );
  }
  const of = `the persistent behavior of ${service.typeName}`;
  for (const [name, method] of Object.entries(service.methods)) {
    if (Object.hasOwn(OPTIONS, name)) {
      throw new ConfigError(`${method.fullName} has the name of an option of persistent behaviors: rename the rpc`);
    }
  }
  for (const name of REQUIRED) {
    if (definition[name] === undefined) throw new ConfigError(`${of} has no ${name}`);
  }
  const { id, events, state, apply, snapshotEvery, snapshot, engine, on } = definition;
  checkOptions(of, { id, events, state, apply, snapshotEvery, snapshot, engine }, OPTIONS);
  checkOptions(`on of ${of}`, on, HOOKS);
  if (engine !== undefined) checkEngine(engine);
  if (snapshotEvery !== undefined && snapshotEvery > 0 && snapshot === undefined) {
    throw new ConfigError(`${of} has snapshotEvery, and no snapshot, which says how a state is stored`);
  }
}
