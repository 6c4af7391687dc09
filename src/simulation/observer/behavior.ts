import { isAsyncIterable, promiseOf } from '../../foreign.js';
import {
  type Behavior,
  type Context,
  type Handler,
  laterReply,
  routeKey,
  type Stream,
  type UntypedRef,
} from '../../actors/kernel/index.js';
import type { AnyMethod, AnyService } from '../../protocol/index.js';
import type { ObservedActor } from './actor.js';
import { Contexts } from './contexts.js';
import type { Message } from './message.js';
import type { Messages } from './messages.js';
import type { Observer } from './observer.js';
import { REQUESTS_META } from './observed-requests.js';
import { MESSAGE_META, ObservedRoute, STREAM_META } from './route.js';
import { ReadEnd, ServedEnd } from './stream-ends.js';

/** Wraps the behavior of an observed actor: it records everything that reaches the handlers and hooks. */
export function observedBehavior<S extends AnyService>(
  definition: Behavior<S, unknown, unknown>,
  actor: ObservedActor,
  observer: Observer,
): Behavior<S, unknown, unknown> {
  const contexts = new Contexts(actor, observer);
  const { on } = definition;
  const createState = definition.createState?.bind(definition);
  const handlers = [...definition.handlers].map(
    ([method, handler]) =>
      [method, observedHandler(method, observedReading(method, handler, observer), actor, observer, contexts)] as const,
  );
  return {
    ...definition,
    ...(createState && {
      createState: (context: Context, args: unknown) => createState(contexts.of(context), args),
    }),
    handlers: new Map(handlers),
    on: {
      ...(on.started && { started: (state, context) => on.started?.(state, contexts.of(context)) }),
      ...(on.terminated && {
        terminated: (state, event, context) => {
          observer.watches.notified(watchOf(event.ref), actor, event.reason);
          return on.terminated?.(state, event, contexts.of(context));
        },
      }),
      ...(on.stopping && { stopping: (state, context, ending) => on.stopping?.(state, contexts.of(context), ending) }),
    },
  };
}

/** A message from a reference without an observer has no id, and is not recorded. */
function observedHandler(
  method: AnyMethod,
  handler: Handler,
  actor: ObservedActor,
  { messages, streams }: Observer,
  contexts: Contexts,
): Handler {
  if (method.mode === 'stream') {
    return (state, request, context) => {
      const served = handler(state, request, contexts.of(context));
      const id = context.meta?.[STREAM_META];
      const stream = id === undefined ? undefined : streams.served(id, actor.cUid, method, request);
      return stream === undefined || !isAsyncIterable(served)
        ? served
        : new ServedEnd(streams, stream, served[Symbol.asyncIterator]());
    };
  }
  return (state, request, context) => {
    const id = context.meta?.[MESSAGE_META];
    const message = id === undefined ? undefined : messages.handled(id, actor, method, request);
    const result = handler(state, request, contexts.of(context));
    if (message !== undefined && method.mode === 'ask') recordReply(result, message, messages);
    return result;
  };
}

/** The handler reads its requests as an observed stream. */
function observedReading(method: AnyMethod, handler: Handler, { streams }: Observer): Handler {
  if (method.streamsRequests !== true) return handler;
  return (state, requests, context) => {
    const id = context.meta?.[REQUESTS_META];
    const stream = id === undefined ? undefined : streams.requestsOf(id);
    const isObserved = stream !== undefined && isStream(requests);
    return handler(state, isObserved ? new ReadEnd(streams, stream, requests) : requests, context);
  };
}

function isStream(value: unknown): value is Stream<unknown> {
  return isAsyncIterable(value) && 'next' in value && Symbol.asyncDispose in value;
}

function recordReply(result: unknown, message: Message, messages: Messages): void {
  const reply = promiseOf(result) ?? laterReply(result);
  const note = (value: unknown): void => messages.replied(message, value);
  if (reply === undefined) note(result);
  else reply.then(note, () => {});
}

function watchOf(ref: UntypedRef): ObservedRoute['watched'] {
  const route = ref[routeKey];
  return route instanceof ObservedRoute ? route.watched : undefined;
}
