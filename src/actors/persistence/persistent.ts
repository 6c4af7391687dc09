import { ConfigError, PersistenceError } from '../../errors.js';
import { codeOf, shownValue } from '../../foreign.js';
import type { AnyMethod, AnyService } from '../../protocol/index.js';
import {
  type ActorRef,
  type Behavior,
  type Context,
  type Directive,
  type Lifecycle,
  nodeOf,
  type Stream,
  type Supervision,
  untypedBehavior,
  type StoringSystem,
} from '../kernel/index.js';
import type { PersistentContext } from './context.js';
import {
  checkDefinition,
  type PersistentHandlers,
  type PersistentLifecycle,
  type PersistentOptions,
  type UntypedPersistent,
} from './definition.js';
import { EventSourced, type Plan } from './event-sourced.js';
import { configuredEngine, type PersistenceEngine } from './store/index.js';
import { snapshotCodec } from './stored-messages.js';
import { isWellFormed } from '../../well-formed.js';

/**
 * Describes an actor whose state is made of stored events, as `behavior` describes any other. A handler decides, and stores what happened
 * with `ctx.persist`; `apply` makes the next state of it. When the actor starts again, it recovers its state from the events before it
 * handles a message. Throws ConfigError for a wrong option, a missing handler, or an rpc that has the name of an option.
 *
 *     const account = persistent(Account, {
 *       id: (ctx) => ctx.name,
 *       state: () => ({ balance: 0 }),
 *       events: Deposited,
 *       apply: ({ balance }, { amount }) => ({ balance: balance + amount }),
 *       deposit: (_state, { amount }, ctx) => ctx.persist({ amount }),
 *       getBalance: (state) => state,
 *     });
 *     configurePersistence(await LevelEngine.open('events'))(runtime);
 *     const ref = runtime.spawn(account, { name: 'account-7' });
 */
export function persistent<S extends AnyService, State, Event, EventInit>(
  service: S,
  definition: PersistentOptions<State, Event, EventInit, ActorRef<S>> & PersistentHandlers<S, State, EventInit>,
): Behavior<S, { readonly state: State }>;
export function persistent(service: AnyService, definition: UntypedPersistent): Behavior<AnyService, unknown> {
  checkDefinition(service, definition);
  const { id, events, state, apply, snapshotEvery, snapshot, engine, on = {}, ...rest } = definition;
  const { supervision, mailbox, idleTimeoutMs, ...handlers } = rest;
  const plan: Plan = {
    events,
    apply,
    snapshotEvery,
    snapshot: snapshot === undefined ? undefined : snapshotCodec(snapshot),
  };
  const made = untypedBehavior(service, {
    state: (ctx) => {
      const { tree, path } = nodeOf(ctx.self) ?? { tree: undefined, path: ctx.path };
      return new EventSourced(plan, state(), idOf(id, ctx), engine ?? engineFor(tree?.system, path), ctx);
    },
    ...Object.fromEntries(
      Object.entries(handlers).map(([name, handler]) => [name, inTurn(handler, service.methods[name])]),
    ),
    on: hooks(on),
    ...(supervision === undefined ? {} : { supervision: recovering(supervision) }),
    ...(mailbox === undefined ? {} : { mailbox }),
    ...(idleTimeoutMs === undefined ? {} : { idleTimeoutMs }),
  });
  // What the state of an actor begins with is in its events, so that a spawn has no args for it.
  return {
    ...made,
    takesArgs: 'no',
    spawning: (system, path) => {
      if (engine === undefined) engineFor(system, path);
    },
  };
}

type UserCode = { call(state: unknown, argument: unknown, ctx: PersistentContext): unknown }['call'];

/** The kernel's handler of a user's handler. What is no function is left to the kernel, which refuses it. */
function inTurn(handler: unknown, method: AnyMethod | undefined): unknown {
  if (!isUserCode(handler)) return handler;
  return (actor: unknown, request: unknown, ctx: Context) => {
    const source = sourceOf(actor, ctx);
    const given = method?.streamsRequests === true && isStream(request) ? source.requests(request) : request;
    return source.run(() => handler(source.state, given, source.context));
  };
}

function isStream(value: unknown): value is Stream<unknown> {
  return typeof value === 'object' && value !== null && 'next' in value && Symbol.asyncDispose in value;
}

function isUserCode(value: unknown): value is UserCode {
  return typeof value === 'function';
}

/** The kernel's hooks: those of the user, as turns, around the recovery and the last event. */
function hooks(on: PersistentLifecycle<unknown, unknown>): Lifecycle<unknown> {
  return {
    started: async (actor, ctx) => {
      const source = sourceOf(actor, ctx);
      if (!(await source.recover())) return;
      await source.run(() => on.started?.(source.state, source.context));
    },
    ...(on.terminated && {
      terminated: async (actor, event, ctx) => {
        const source = sourceOf(actor, ctx);
        await source.run(() => on.terminated?.(source.state, event, source.context));
      },
    }),
    ...(on.idle && {
      idle: async (actor, ctx) => {
        const source = sourceOf(actor, ctx);
        await source.run(() => on.idle?.(source.state, source.context));
      },
    }),
    stopping: async (actor, ctx, ending) => {
      const source = sourceOf(actor, ctx);
      await source.end(() => on.stopping?.(source.state, source.context, ending));
    },
  };
}

/** Throws PersistenceError when the start has failed before there was a state. */
function sourceOf(actor: unknown, ctx: Context): EventSourced {
  if (actor instanceof EventSourced) return actor;
  throw new PersistenceError(`${ctx.path} has no state, because its start has failed: the log says why`);
}

/**
 * A failed recovery or write leaves a state that is not that of the store, so the actor cannot go on with it: `resume` is `restart` then.
 */
function recovering(supervision: Supervision): Supervision {
  const policy = typeof supervision === 'object' ? supervision : { onFailure: supervision };
  const { onFailure } = policy;
  if (onFailure !== 'resume' && typeof onFailure !== 'function') return supervision;
  const decide = (error: Error): Directive => {
    const directive = typeof onFailure === 'function' ? onFailure(error) : onFailure;
    return directive === 'resume' && codeOf(error) === 'PERSISTENCE' ? 'restart' : directive;
  };
  return { ...policy, onFailure: decide };
}

function idOf(id: PersistentOptions<unknown, unknown, unknown>['id'], ctx: Context): string {
  const made: unknown = typeof id === 'function' ? id(ctx) : id;
  if (typeof made === 'string' && made !== '' && isWellFormed(made)) return made;
  throw new ConfigError(
    `the id of ${ctx.path} must be a text that is not empty, of whole characters, not ${shownValue(made)}`,
  );
}

function engineFor(system: StoringSystem | undefined, path: string): PersistenceEngine {
  const engine = configuredEngine(system);
  if (engine !== undefined) return engine;
  throw new ConfigError(
    `${path} needs an engine, which stores its events: call configurePersistence(engine)(runtime) first, or give its behavior an engine`,
  );
}
