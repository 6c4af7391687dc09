import { ConfigError } from '../../errors.js';
import { hasMark } from '../../foreign.js';
import { isReservedName } from '../../reserved-names.js';
import type { AnyMethod, AnyService, AskMethod, StreamMethod, TellMethod } from '../../protocol/index.js';
import type { Context } from './context.js';
import { isInfrastructure } from './infrastructure.js';
import type { Later } from './later.js';
import { type MailboxBounds, type Overflow, mailboxBounds } from './mailbox.js';
import type { TerminationReason } from './route.js';
import { type Supervision, type Supervisor, supervisor } from './supervision.js';
import type { UntypedRef } from './reference.js';

/** A watched actor is gone. */
export interface Terminated {
  /** The reference that was given to `ctx.watch`. */
  readonly ref: UntypedRef;
  readonly reason: TerminationReason;
}

/** What the handler of an rpc is given. Looked up in the method, since a type that TypeScript before 5.7 would have to infer is `never` there. */
export type RequestOf<M extends AnyMethod> = ReturnType<M['request']['create']>;

/** What the handler of an rpc returns. */
export type ResultOf<M> =
  M extends TellMethod<infer _Request, infer _Init>
    ? void | PromiseLike<void>
    : M extends AskMethod<infer _Request, infer _Init, infer _Response, infer ResponseInit>
      ? ResponseInit | PromiseLike<ResponseInit> | Later<ResponseInit>
      : M extends StreamMethod<infer _Request, infer _Init, infer _Response, infer ResponseInit>
        ? AsyncIterable<ResponseInit | Later<ResponseInit>>
        : never;

/**
 * One handler for each rpc of a service. No rpc has the name of an option, and what depends on the rpc stands inside the function
 * type: both are needed for the compiler to infer the state from `state` first.
 */
export type Handlers<S extends AnyService, State> = {
  readonly [K in Exclude<keyof S['methods'], keyof BehaviorOptions<State>>]: (
    state: State,
    request: RequestOf<S['methods'][K]>,
    ctx: Context<State>,
  ) => ResultOf<S['methods'][K]>;
};

/** What happens to an actor, apart from its messages. */
export interface Lifecycle<State> {
  /** The state is made, no message was handled yet. */
  started?(state: State, ctx: Context<State>): void | PromiseLike<void>;
  /** An actor given to `ctx.watch` is gone. */
  terminated?(state: State, event: Terminated, ctx: Context<State>): void | PromiseLike<void>;
  /** No message was handled for `idleTimeoutMs`; called again after each further while. */
  idle?(state: State, ctx: Context<State>): void | PromiseLike<void>;
  /** Always the last to run, before a restart too; its children are gone by then. Given up after `stopTimeoutMs`. */
  stopping?(state: State, ctx: Context<State>): void | PromiseLike<void>;
}

/** What a behavior says besides its handlers. */
export interface BehaviorOptions<State> {
  /** Makes the state when the actor starts and after each restart. Without it the state is `undefined`. */
  readonly state?: (ctx: Context) => State;
  readonly on?: Lifecycle<State>;
  /** How this actor's own failures are treated. Default `restart`. */
  readonly supervision?: Supervision;
  readonly mailbox?: {
    /** Messages. Default 65 536. */
    readonly capacity?: number;
    /** Default `backpressure`. */
    readonly overflow?: Overflow;
    /** Messages that may be put aside by `ctx.stash()` at a time. Default 1 024. */
    readonly stashCapacity?: number;
  };
  /** Time without a message, in ms, after which `on.idle` is called. `ctx.setIdleTimeout` changes it. */
  readonly idleTimeoutMs?: number;
}

/** Called through a method signature, whose parameters compare both ways: a handler of any state fits. */
export type Handler = { call(state: unknown, request: unknown, ctx: Context): unknown }['call'];

/** Property of every behavior, whichever copy of Millrace made it. */
const behaviorKey: unique symbol = Symbol.for('millrace.behavior');

/** How actors of one kind behave: an immutable value, spawned any number of times. Made by `behavior`. */
export interface Behavior<S extends AnyService, State> {
  readonly [behaviorKey]: true;
  readonly service: S;
  readonly handlers: ReadonlyMap<AnyMethod, Handler>;
  createState?(ctx: Context): State;
  readonly on: Lifecycle<State>;
  readonly supervisor: Supervisor;
  readonly capacity: number | undefined;
  readonly overflow: Overflow;
  readonly stashCapacity: number | undefined;
  readonly idleTimeoutMs: number | undefined;
  /** It is part of the runtime, and no work of its users. */
  readonly isOfRuntime: boolean;
}

export type AnyBehavior = Behavior<AnyService, unknown>;

/**
 * Describes an actor: its protocol, its state, one handler for each rpc. A handler is `(state, request, ctx)`; what it returns
 * is the reply. ConfigError when a handler is missing or has no rpc (a compile error, too), or an option is wrong.
 *
 *     const pricing = behavior(Pricing, {
 *       state: () => new Map<string, number>(),
 *       observe: (book, { symbol, price }) => void book.set(symbol, price),
 *       quote: (book, { symbol }) => ({ price: book.get(symbol) ?? 0 }),
 *     });
 */
export function behavior<S extends AnyService, State = undefined>(
  service: S,
  definition: BehaviorOptions<State> & Handlers<S, State>,
): Behavior<S, State>;
export function behavior(service: AnyService, definition: UntypedDefinition): AnyBehavior {
  return untypedBehavior(service, definition);
}

/** A definition whose handlers the compiler does not hold against the service. */
export type UntypedDefinition = BehaviorOptions<unknown> & Readonly<Record<string, unknown>>;

/** As `behavior`, for a service that is not known when the code is written. */
export function untypedBehavior<S extends AnyService>(service: S, definition: UntypedDefinition): Behavior<S, unknown> {
  const { state, on = {}, supervision, mailbox, idleTimeoutMs, ...named } = definition;
  const handlers = new Map<AnyMethod, Handler>();
  for (const [name, method] of Object.entries(service.methods)) {
    if (isReservedName(name))
      throw new ConfigError(`${method.fullName}: an rpc cannot be named ${name}, the name has a meaning in the API`);
    const handler = named[name];
    if (!isHandler(handler)) throw new ConfigError(`the behavior of ${service.typeName} has no handler ${name}`);
    handlers.set(method, handler);
  }
  for (const name of Object.keys(named)) {
    if (service.methods[name] === undefined) {
      const known = Object.keys(service.methods).join(', ');
      throw new ConfigError(
        `the behavior of ${service.typeName} has a handler ${name}, but no such rpc; it has ${known}`,
      );
    }
  }
  const { capacity, overflow = 'backpressure', stashCapacity } = mailbox ?? {};
  if (!OVERFLOWS.includes(overflow)) {
    throw new ConfigError(`mailbox overflow accepts ${OVERFLOWS.join(', ')}, not ${overflow}`);
  }
  mailboxBounds(capacity ?? 1, overflow, stashCapacity ?? 1);
  if (idleTimeoutMs !== undefined && on.idle === undefined) {
    throw new ConfigError(`the behavior of ${service.typeName} has an idleTimeoutMs, but no on.idle to be told by`);
  }
  if (idleTimeoutMs !== undefined) checkIdleTimeout(idleTimeoutMs);
  return {
    [behaviorKey]: true,
    service,
    handlers,
    ...(state === undefined ? {} : { createState: state }),
    on,
    supervisor: supervisor(supervision),
    capacity,
    overflow,
    stashCapacity,
    idleTimeoutMs,
    isOfRuntime: isInfrastructure(service.typeName),
  };
}

const OVERFLOWS: readonly string[] = ['backpressure', 'drop-newest', 'drop-oldest'];

function isHandler(value: unknown): value is Handler {
  return typeof value === 'function';
}

/** ConfigError for an idle timeout that is none. */
export function checkIdleTimeout(timeoutMs: number): void {
  if (timeoutMs > 0 && timeoutMs < Number.POSITIVE_INFINITY) return;
  throw new ConfigError(`idleTimeoutMs must be a positive finite number of milliseconds, not ${timeoutMs}`);
}

/** The bounds of the mailboxes of a behavior, where the given ones hold unless it says otherwise. */
export function boundsOf({ capacity, overflow, stashCapacity }: AnyBehavior, given: GivenBounds): MailboxBounds {
  return mailboxBounds(capacity ?? given.mailboxMessages, overflow, stashCapacity ?? given.stashMessages);
}

interface GivenBounds {
  readonly mailboxMessages: number;
  readonly stashMessages: number;
}

/** A value made by `behavior`. */
export function isBehavior(value: unknown): value is AnyBehavior {
  return hasMark(value, behaviorKey);
}
