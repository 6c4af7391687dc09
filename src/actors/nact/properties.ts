import { ConfigError } from '../../errors.js';
import type { BehaviorOptions } from '../kernel/index.js';
import type { ActorContext, ActorContextWithMailbox, SupervisionContext } from './context.js';
import type { Ref } from './reference.js';
import type { SupervisionActorFunc } from './supervision.js';
import type { Milliseconds } from './time.js';

/** Handles one message; returns the next state, or a promise of it. */
export type ActorFunc<State, Msg, ParentRef> = (
  state: State,
  msg: Msg,
  ctx: ActorContext<Msg, ParentRef>,
) => State | Promise<State>;

export type StatelessActorFunc<Msg, ParentRef> = (msg: Msg, ctx: ActorContext<Msg, ParentRef>) => unknown;

export interface StatelessActorProps<Msg, ParentRef> {
  /** The actor stops when it has received no message for this long. */
  readonly shutdownAfter?: Milliseconds | undefined;
  /** Default: `stop`; for an actor without state, `resume`. */
  readonly onCrash?: SupervisionActorFunc<Msg, ParentRef> | undefined;
  /** As in `behavior`: the mailbox's capacity, and what happens at its bound. Not in nact. */
  readonly mailbox?: BehaviorOptions<unknown>['mailbox'] | undefined;
}

export interface ActorProps<State, Msg, ParentRef> extends StatelessActorProps<Msg, ParentRef> {
  readonly initialState?: State | undefined;
  /** Creates the state, at the start and after each reset. Takes precedence over `initialState`. */
  readonly initialStateFunc?: ((ctx: ActorContext<Msg, ParentRef>) => State) | undefined;
  /** Called when the actor has stopped, not when it is reset. `ctx.mailbox` has the messages that it will not handle. */
  readonly afterStop?:
    | ((state: State, ctx: ActorContextWithMailbox<Msg, ParentRef>) => void | Promise<void>)
    | undefined;
}

/** A context without its type parameters. */
export type AnyContext = ActorContext<never, unknown>;

/** The properties given to `spawn`, without type parameters. They are typed as methods, whose parameters are bivariant. */
export interface AnyProps {
  readonly shutdownAfter?: Milliseconds | undefined;
  readonly mailbox?: BehaviorOptions<unknown>['mailbox'] | undefined;
  readonly initialState?: unknown;
  readonly initialStateFunc?: Untyped['initialStateFunc'] | undefined;
  readonly onCrash?: Untyped['onCrash'] | undefined;
  readonly afterStop?: Untyped['afterStop'] | undefined;
}

/** The function of an actor, without type parameters. */
export type AnyFunc = Untyped['f'];

interface Untyped {
  f(state: unknown, msg: unknown, ctx: AnyContext): unknown;
  initialStateFunc(ctx: AnyContext): unknown;
  onCrash(
    msg: unknown,
    err: unknown,
    ctx: SupervisionContext<never, unknown>,
    child: Ref<unknown> | undefined,
  ): symbol | Promise<symbol>;
  afterStop(state: unknown, ctx: ActorContextWithMailbox<never, unknown>): void | Promise<void>;
}

/** Throws ConfigError for an invalid function, name, or time. */
export function checkSpawn(f: unknown, name: unknown, { shutdownAfter }: AnyProps): void {
  if (typeof f !== 'function') throw new ConfigError(`the function of an actor must be a function, not ${typeof f}`);
  if (name !== undefined && typeof name !== 'string') {
    throw new ConfigError(`the name of an actor must be a string, not ${typeof name}`);
  }
  if (shutdownAfter !== undefined && !(Number.isFinite(shutdownAfter) && shutdownAfter >= 0)) {
    throw new ConfigError(`shutdownAfter must be a number of milliseconds, not ${String(shutdownAfter)}`);
  }
}
