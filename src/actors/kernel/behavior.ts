import { ConfigError } from '../../errors.js';
import { hasMark, inspectKey, shownValue } from '../../foreign.js';
import { isReservedName } from '../../reserved-names.js';
import type {
  AnyMethod,
  AnyService,
  AskMethod,
  StreamMethod,
  StreamsRequests,
  TellMethod,
} from '../../protocol/index.js';
import type { Context } from './context.js';
import { accepted, type AcceptedOptions, checkOptions, nearestName } from '../../options/index.js';
import { isInfrastructure } from './infrastructure.js';
import type { Later } from './later.js';
import { type MailboxBounds, type Overflow, mailboxBounds } from './mailbox.js';
import type { TerminationReason } from './route.js';
import type { Stream } from './stream.js';
import { type Supervision, type Supervisor, supervisor } from './supervision.js';
import type { ActorRef } from './reference.js';
import type { UntypedRef } from './untyped-ref.js';

/** A watched actor has ended. */
export interface Terminated {
  /** The reference that was passed to `ctx.watch`. */
  readonly ref: UntypedRef;
  readonly reason: TerminationReason;
  /** The error of an actor that `failed`: as it is within a process, and a HandlerError with its name, message and code over a link. */
  readonly cause?: Error | undefined;
}

/** Why an actor, or one incarnation of it, ends. */
export interface Ending {
  /** `restarting`: it starts again with a new state. */
  readonly reason: 'stopped' | 'failed' | 'restarting';
  /** The error; undefined when it was stopped. */
  readonly cause?: Error | undefined;
}

/** The request of an rpc's handler, or the stream of them. Looked up in the method, because TypeScript before 5.7 would infer `never` here. */
export type RequestOf<M extends AnyMethod> = M extends StreamsRequests
  ? Stream<ReturnType<M['request']['create']>>
  : ReturnType<M['request']['create']>;

/** The result of an rpc's handler. */
export type ResultOf<M> =
  M extends TellMethod<infer _Request, infer _Init>
    ? void | boolean | PromiseLike<void | boolean>
    : M extends AskMethod<infer _Request, infer _Init, infer _Response, infer ResponseInit>
      ? ResponseInit | PromiseLike<ResponseInit> | Later<ResponseInit>
      : M extends StreamMethod<infer _Request, infer _Init, infer _Response, infer ResponseInit>
        ? AsyncIterable<ResponseInit | Later<ResponseInit>>
        : never;

/**
 * One handler for each rpc of a service. No rpc may have the name of an option, and only the function type depends on the rpc: the
 * compiler needs both to infer the state from `state` first.
 */
export type Handlers<S extends AnyService, State> = {
  readonly [K in Exclude<keyof S['methods'], keyof BehaviorOptions<State>>]: (
    state: State,
    request: RequestOf<S['methods'][K]>,
    ctx: Context<State, ActorRef<S>>,
  ) => ResultOf<S['methods'][K]>;
};

/** Hooks for the events of an actor other than messages. */
export interface Lifecycle<State, Self extends UntypedRef = UntypedRef> {
  /** Called after the state was created, before the first message. */
  started?(state: State, ctx: Context<State, Self>): void | PromiseLike<void>;
  /** An actor passed to `ctx.watch` has ended. */
  terminated?(state: State, event: Terminated, ctx: Context<State, Self>): void | PromiseLike<void>;
  /** No message was handled for `idleTimeoutMs`; called again after each further period. */
  idle?(state: State, ctx: Context<State, Self>): void | PromiseLike<void>;
  /** Called last, also before a restart, when the children have stopped. Abandoned after `stopTimeoutMs`. */
  stopping?(state: State, ctx: Context<State, Self>, ending: Ending): void | PromiseLike<void>;
  /**
   * What those who look at the actor see of its state: a value that `JSON.stringify` takes. Called between two turns, when somebody looks. Without it they
   * see nothing of the state.
   *
   *     on: { inspect: ({ balance }) => ({ balance }) },
   */
  inspect?(state: State): unknown;
}

/** The options of a behavior besides its handlers. */
export interface BehaviorOptions<State, Self extends UntypedRef = UntypedRef, Args = undefined> {
  /**
   * Creates the state, when the actor starts and after each restart. Default: the state is `undefined`. `args` is what the actor was
   * spawned with, the same value at each restart: do not change it.
   *
   *     state: (ctx, args: { readonly limit: number }) => new Account(args.limit),
   *
   *     ctx.spawn(account, { args: { limit: 500 } });
   */
  state?(this: void, ctx: Context<unknown, Self>, args: Args): State;
  readonly on?: Lifecycle<State, Self>;
  /** How failures of this actor are handled. Default `restart`. */
  readonly supervision?: Supervision;
  readonly mailbox?: {
    /** Number of messages. Default 65 536. */
    readonly capacity?: number;
    /** Default `backpressure`. */
    readonly overflow?: Overflow;
    /** Number of messages that `ctx.stash()` may hold at a time. Default 1 024. */
    readonly stashCapacity?: number;
  };
  /** Time without a message, in ms, after which `on.idle` is called. `ctx.setIdleTimeout` changes it. */
  readonly idleTimeoutMs?: number;
}

/** Typed through a method signature, whose parameters are bivariant: a handler with any state type is assignable. */
export type Handler = { call(state: unknown, request: unknown, ctx: Context): unknown }['call'];

/** Property of every behavior, whichever copy of Millrace created it. */
const behaviorKey: unique symbol = Symbol.for('millrace.behavior');

/** Whether a spawn of a behavior needs `args`. `maybe`: JavaScript does not say whether the state takes them. */
export type TakesArgs = 'yes' | 'no' | 'maybe';

/** A system that an actor is spawned in, as behaviors see it that store events. */
export interface StoringSystem {
  readonly persistenceEngine: unknown;
}

/** The behavior of one kind of actor: an immutable value, spawned any number of times. Created by `behavior`. */
export interface Behavior<S extends AnyService, State, Args = undefined> {
  readonly [behaviorKey]: true;
  readonly service: S;
  readonly handlers: ReadonlyMap<AnyMethod, Handler>;
  createState?(ctx: Context, args: Args): State;
  readonly takesArgs: TakesArgs;
  readonly on: Lifecycle<State>;
  readonly supervisor: Supervisor;
  readonly capacity: number | undefined;
  readonly overflow: Overflow;
  readonly stashCapacity: number | undefined;
  readonly idleTimeoutMs: number | undefined;
  /** Called when the actor is told to stop, with the messages in its mailbox, which are dropped then. Other APIs for actors, such as nact's, set it. */
  readonly dropping?: (waiting: readonly unknown[]) => void;
  /** Called at each spawn, before anything of the actor is there. Throws ConfigError where such an actor cannot start. */
  readonly spawning?: (system: StoringSystem, path: string) => void;
  /** What `console.log` shows. */
  [inspectKey]?(): string;
  /** It belongs to the runtime; its work does not count as work of users. */
  readonly isOfRuntime: boolean;
}

export type AnyBehavior = Behavior<AnyService, unknown, unknown>;

/**
 * Describes an actor: its protocol, its state, one handler for each rpc. A handler is `(state, request, ctx)`; its result is the reply.
 * Where `state` is `(ctx, args)`, each actor is spawned with `args` of its own.
 * Throws ConfigError when a handler is missing or has no rpc (which is a compile error too), or an option is invalid.
 *
 *     const pricing = behavior(Pricing, {
 *       state: () => new Map<string, number>(),
 *       observe: (book, { symbol, price }) => void book.set(symbol, price),
 *       quote: (book, { symbol }) => ({ price: book.get(symbol) ?? 0 }),
 *     });
 */
export function behavior<S extends AnyService, State = undefined, Args = undefined>(
  service: S,
  definition: BehaviorOptions<State, ActorRef<S>, Args> & Handlers<S, NoInfer<State>>,
): Behavior<S, State, Args>;
export function behavior(service: AnyService, definition: UntypedDefinition): AnyBehavior {
  return untypedBehavior(service, definition);
}

/** A definition whose handlers the compiler does not check against the service. */
export type UntypedDefinition = BehaviorOptions<unknown, UntypedRef, unknown> & Readonly<Record<string, unknown>>;

/** As `behavior`, for a service that is unknown at compile time. */
export function untypedBehavior<S extends AnyService>(
  service: S,
  definition: UntypedDefinition,
): Behavior<S, unknown, unknown> {
  checkDefinition(service, definition);
  const { state, on = {}, supervision, mailbox, idleTimeoutMs, ...named } = definition;
  for (const name of Object.keys(named)) {
    if (service.methods[name] === undefined) throw unknownProperty(service, name);
  }
  const handlers = new Map<AnyMethod, Handler>();
  for (const [name, method] of Object.entries(service.methods)) {
    const handler = named[name];
    if (!isHandler(handler)) throw new ConfigError(`the behavior of ${service.typeName} has no handler ${name}`);
    handlers.set(method, handler);
  }
  const { capacity, overflow = 'backpressure', stashCapacity } = mailbox ?? {};
  if (!OVERFLOWS.includes(overflow)) {
    throw new ConfigError(`mailbox overflow accepts ${OVERFLOWS.join(', ')}, not ${overflow}`);
  }
  mailboxBounds(capacity ?? 1, overflow, stashCapacity ?? 1);
  if (idleTimeoutMs !== undefined && on.idle === undefined) {
    throw new ConfigError(`the behavior of ${service.typeName} has an idleTimeoutMs, but no on.idle handler`);
  }
  if (idleTimeoutMs !== undefined) checkIdleTimeout(idleTimeoutMs);
  return {
    [behaviorKey]: true,
    service,
    handlers,
    ...(state === undefined ? {} : { createState: state }),
    takesArgs: takesArgs(state),
    on,
    supervisor: supervisor(supervision),
    capacity,
    overflow,
    stashCapacity,
    idleTimeoutMs,
    isOfRuntime: isInfrastructure(service.typeName),
    [inspectKey]: () => `Behavior<${service.typeName}>`,
  };
}

/** A parameter that has a default value, or that is a rest parameter, does not count in `length`. */
function takesArgs(state: { readonly length: number } | undefined): TakesArgs {
  if (state === undefined || state.length === 0) return 'no';
  return state.length === 1 ? 'maybe' : 'yes';
}

const HOOKS: AcceptedOptions = {
  started: accepted.callback,
  terminated: accepted.callback,
  idle: accepted.callback,
  stopping: accepted.callback,
  inspect: accepted.callback,
};
const MAILBOX: AcceptedOptions = { capacity: accepted.number, overflow: accepted.text, stashCapacity: accepted.number };

const OPTIONS: readonly string[] = [
  'state',
  'on',
  'supervision',
  'mailbox',
  'idleTimeoutMs',
] satisfies (keyof BehaviorOptions<unknown>)[];

function unknownProperty({ typeName, methods }: AnyService, name: string): ConfigError {
  const rpcs = Object.keys(methods);
  const nearest = nearestName(name, [...rpcs, ...OPTIONS]);
  const hint = nearest === undefined ? '' : ` Did you mean ${nearest}?`;
  return new ConfigError(
    `the behavior of ${typeName} has ${name}, which is no rpc and no option.${hint} Its rpcs are ${rpcs.join(', ')}; the options are ${OPTIONS.join(', ')}.`,
  );
}

/** What the compiler sees in TypeScript. */
function checkDefinition(service: AnyService, definition: UntypedDefinition): void {
  if (!isService(service)) {
    throw new ConfigError(
      `behavior needs a service of a module that millrace gen made, as in behavior(Pricing, { ... }), not ${shownValue(service)}`,
    );
  }
  for (const [name, method] of Object.entries(service.methods)) {
    if (isReservedName(name))
      throw new ConfigError(`${method.fullName}: an rpc cannot be named ${name}, because the API reserves that name`);
  }
  if (typeof definition !== 'object' || definition === null) {
    throw new ConfigError(
      `the behavior of ${service.typeName} needs its handlers, as in behavior(Service, { quote: (state, request) => ... }), not ${shownValue(definition)}`,
    );
  }
  const { state, on, mailbox, idleTimeoutMs } = definition;
  const of = `the behavior of ${service.typeName}`;
  checkOptions(of, { state, idleTimeoutMs }, { state: accepted.callback, idleTimeoutMs: accepted.milliseconds });
  checkOptions(`on of ${of}`, on, HOOKS);
  checkOptions(`mailbox of ${of}`, mailbox, MAILBOX);
}

/** The handler of a method, which may be from another copy of the same generated code. */
export function handlerOf({ handlers, service }: AnyBehavior, method: AnyMethod): Handler | undefined {
  const handler = handlers.get(method);
  if (handler !== undefined) return handler;
  const own = service.methods[method.name];
  return own?.fullName === method.fullName ? handlers.get(own) : undefined;
}

/** A service of a generated module. */
export function isService(value: unknown): value is AnyService {
  return typeof value === 'object' && value !== null && 'typeName' in value && 'methods' in value;
}

const OVERFLOWS: readonly string[] = ['backpressure', 'drop-newest', 'drop-oldest'];

function isHandler(value: unknown): value is Handler {
  return typeof value === 'function';
}

/** Throws ConfigError for an invalid idle timeout. */
export function checkIdleTimeout(timeoutMs: number): void {
  if (typeof timeoutMs === 'number' && timeoutMs > 0 && timeoutMs < Number.POSITIVE_INFINITY) return;
  throw new ConfigError(`idleTimeoutMs must be a positive finite number of milliseconds, not ${shownValue(timeoutMs)}`);
}

/** The mailbox bounds of a behavior; `given` applies where the behavior sets none. */
export function boundsOf({ capacity, overflow, stashCapacity }: AnyBehavior, given: GivenBounds): MailboxBounds {
  return mailboxBounds(capacity ?? given.mailboxMessages, overflow, stashCapacity ?? given.stashMessages);
}

/** The mailbox bounds of a system, in messages. */
export interface GivenBounds {
  readonly mailboxMessages: number;
  readonly stashMessages: number;
}

/** True for a value created by `behavior`. */
export function isBehavior(value: unknown): value is AnyBehavior {
  return hasMark(value, behaviorKey);
}
