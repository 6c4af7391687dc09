import {
  type Behavior,
  type Context,
  Later,
  routeKey,
  type SpawnOptions,
  type UntypedRef,
} from '../../actors/kernel/index.js';
import type { AnyMethod, AnyService, Ref } from '../../protocol/index.js';
import type { ObservedActor } from './actor.js';
import type { Message } from './messages.js';
import type { Observer } from './observer.js';
import { MESSAGE_META, ObservedRoute } from './route.js';

/** The behavior of one observed actor: the handlers and hooks are those that it was given, and all that reaches them is noted. */
export function observedBehavior<S extends AnyService, State>(
  definition: Behavior<S, State>,
  actor: ObservedActor,
  observer: Observer,
): Behavior<S, State> {
  const contexts = new Contexts(actor, observer);
  const { on } = definition;
  const createState = definition.createState?.bind(definition);
  const handlers = [...definition.handlers].map(
    ([method, handler]) =>
      [
        method,
        (state: unknown, request: unknown, context: Context): unknown => {
          // The number in a stream's meta is of the message in which it was opened.
          const message = method.mode === 'stream' ? undefined : handled(method, request, context, actor, observer);
          return noteReply(handler(state, request, contexts.of(context)), message, method, observer);
        },
      ] as const,
  );
  return {
    ...definition,
    ...(createState && { createState: (context: Context) => createState(contexts.of(context)) }),
    handlers: new Map(handlers),
    on: {
      ...(on.started && { started: (state, context) => on.started?.(state, contexts.of(context)) }),
      ...(on.terminated && {
        terminated: (state, event, context) => {
          observer.watches.told(watchOf(event.ref), actor, event.reason);
          return on.terminated?.(state, event, contexts.of(context));
        },
      }),
      ...(on.stopping && { stopping: (state, context) => on.stopping?.(state, contexts.of(context)) }),
    },
  };
}

/** One that comes from a reference which is not observed has no number. */
function handled(
  method: AnyMethod,
  request: unknown,
  context: Context,
  actor: ObservedActor,
  observer: Observer,
): Message | undefined {
  const id = context.meta?.[MESSAGE_META];
  return id === undefined ? undefined : observer.messages.handled(id, actor, method, request);
}

function noteReply(result: unknown, message: Message | undefined, method: AnyMethod, { messages }: Observer): unknown {
  if (message === undefined || method.mode !== 'ask') return result;
  const work = result instanceof Later ? result.reply : result;
  if (work instanceof Promise) {
    work.then(
      (value: unknown) => messages.replied(message, value),
      () => {},
    );
  } else {
    messages.replied(message, work);
  }
  return result;
}

function watchOf(ref: UntypedRef): ObservedRoute['watched'] {
  const route = ref[routeKey];
  return route instanceof ObservedRoute ? route.watched : undefined;
}

/** Contexts in which the references that an actor gets are observed, too. */
class Contexts {
  readonly #actor: ObservedActor;
  readonly #observer: Observer;
  readonly #made = new WeakMap<Context, Context>();

  constructor(actor: ObservedActor, observer: Observer) {
    this.#actor = actor;
    this.#observer = observer;
  }

  of(context: Context): Context {
    const known = this.#made.get(context) ?? this.#make(context);
    this.#made.set(context, known);
    return known;
  }

  #make(context: Context): Context {
    const actor = this.#actor;
    const observer = this.#observer;
    const own = new Map<PropertyKey, unknown>([
      ['self', observer.reference(context.self.service, context.self, actor)],
      [
        'ref',
        <S extends AnyService>(service: S, ref: Ref) => observer.reference(service, context.ref(service, ref), actor),
      ],
      [
        'spawn',
        <S extends AnyService, T>(child: Behavior<S, T>, options?: SpawnOptions) =>
          observer.spawn(actor.host, actor, child, (observed) => context.spawn(observed, options)),
      ],
    ]);
    return new Proxy(context, { get: (target, key): unknown => (own.has(key) ? own.get(key) : bound(target, key)) });
  }
}

function bound(target: object, key: PropertyKey): unknown {
  const value: unknown = Reflect.get(target, key);
  if (typeof value !== 'function') return value;
  return (...words: unknown[]): unknown => Reflect.apply(value, target, words);
}
