import { AskTimeoutError, ConfigError, ProtocolError, StoppedError, UnreachableError } from '../../errors.js';
import { isAsyncIterable, messageOf } from '../../foreign.js';
import { type AnyMethod, type AnyService, decode, encode } from '../../protocol/index.js';
import { type ActorRef, innermostRoute, routeKey } from '../kernel/index.js';
import { isNotFound } from './found-names.js';
import { NameSearch } from './name-search.js';
import type { ServedCall, ServedCalls } from './served-call.js';
import { MalformedRequest } from './shown-error.js';
import type { TopicReader } from './topic-feeds.js';

/** What a client calls. */
export interface Target {
  readonly service: AnyService;
  readonly name: string;
  readonly method: AnyMethod;
}

/** Gives a request to its actor, and the answer to the client. Never throws. */
export function serve(
  served: ServedCall,
  target: Target,
  request: Uint8Array,
  timeoutMs: number,
  windowItems: number,
  shared: ServedCalls,
): void {
  const { method } = target;
  let message: unknown;
  try {
    message = decode(method.request, request);
  } catch (error) {
    return served.fail(new MalformedRequest(messageOf(error)));
  }
  const deadlineMs = shared.scheduler.now() + timeoutMs;
  withActor(served, target, deadlineMs, shared, (ref) => {
    const { meta } = shared;
    switch (method.mode) {
      case 'tell':
        return tell(served, ref, target, message, shared);
      case 'ask': {
        const options = { timeoutMs: Math.max(1, deadlineMs - shared.scheduler.now()), signal: served.signal, meta };
        return void answer(served, target, invoke(ref, method, message, options), shared);
      }
      case 'stream': {
        const options = { ...window(ref, windowItems, shared), timeoutMs: Number.POSITIVE_INFINITY, meta };
        const stream = invoke(ref, method, message, { ...options, signal: served.signal });
        return void pass(served, target, stream, shared);
      }
    }
  });
}

/** Calls `use` with the actor, at once where it is known; fails the call where there is none by its deadline. */
export function withActor(
  served: ServedCall,
  target: Pick<Target, 'service' | 'name'>,
  deadlineMs: number,
  shared: ServedCalls,
  use: (ref: ActorRef<AnyService>) => void,
): void {
  const { names, scheduler } = shared;
  const useNow = (ref: ActorRef<AnyService>): void => {
    if (served.isOver) return;
    try {
      use(ref);
    } catch (error) {
      failed(served, target, error, shared);
    }
  };
  try {
    const found = names.find(target.service, target.name, shared.searches);
    if (!(found instanceof NameSearch)) return useNow(found);
    const leave = found.join(shared.searches);
    served.onEnd(leave);
    const late = (): void => served.fail(new AskTimeoutError(`No actor has the name "${target.name}".`));
    const timer = scheduler.setTimer(Math.max(0, deadlineMs - scheduler.now()), late);
    void found.found.then(
      (ref) => {
        scheduler.clearTimer(timer);
        leave();
        useNow(ref);
      },
      (error: unknown) => {
        scheduler.clearTimer(timer);
        leave();
        if (isNotFound(error) && !served.isOver) withActor(served, target, deadlineMs, shared, use);
        else served.fail(error);
      },
    );
  } catch (error) {
    served.fail(error);
  }
}

/** The client is read on when the actor has room. */
function tell(
  served: ServedCall,
  ref: ActorRef<AnyService>,
  { method }: Target,
  message: unknown,
  { outgoing, meta }: ServedCalls,
): void {
  const hadRoom = invoke(ref, method, message, { meta });
  served.reply(new Uint8Array(0));
  if (hadRoom !== false) return;
  outgoing.hold();
  const release = (): void => outgoing.release();
  ref.ready().then(release, release);
}

async function answer(served: ServedCall, target: Target, reply: unknown, shared: ServedCalls): Promise<void> {
  try {
    served.reply(encode(target.method.response, await reply));
  } catch (error) {
    failed(served, target, error, shared);
  }
}

/**
 * How far an actor may be ahead of what is sent to the client. Over a link, bytes bound it. An actor of this partition makes an element when it is asked for,
 * for there nothing else bounds the bytes of those that wait.
 */
function window(
  ref: ActorRef<AnyService>,
  items: number,
  { windowBytes }: ServedCalls,
): { readonly windowItems: number; readonly windowBytes: number } {
  const isHere = innermostRoute(ref[routeKey]).tellLent !== undefined;
  return { windowItems: isHere ? 1 : items, windowBytes };
}

async function pass(served: ServedCall, target: Target, stream: unknown, shared: ServedCalls): Promise<void> {
  try {
    if (!isAsyncIterable(stream)) throw new ProtocolError(`${target.method.fullName} returned no stream.`);
    const elements = stream[Symbol.asyncIterator]();
    try {
      for (;;) {
        await served.room();
        if (served.isOver) return;
        const result: IteratorResult<unknown, unknown> = await elements.next();
        if (result.done === true) return served.complete();
        await served.element(encode(target.method.response, result.value));
      }
    } finally {
      await elements.return?.();
    }
  } catch (error) {
    failed(served, target, error, shared);
  }
}

/** Gives the messages of a topic to a client, as far as it reads. Never throws. */
export async function passTopic(call: ServedCall, reader: TopicReader, opened: Promise<void>): Promise<void> {
  try {
    await opened;
    for (;;) {
      await call.room();
      const message = await reader.next();
      if (message === undefined) return;
      await call.element(message, reader.missed);
    }
  } catch (error) {
    call.fail(error);
  }
}

function failed(
  served: ServedCall,
  target: Pick<Target, 'service' | 'name'>,
  error: unknown,
  shared: ServedCalls,
): void {
  if (error instanceof StoppedError || error instanceof UnreachableError)
    shared.names.forget(target.service, target.name);
  served.fail(error);
}

function invoke(ref: ActorRef<AnyService>, { name }: AnyMethod, message: unknown, options: object): unknown {
  const call: unknown = Reflect.get(ref, name);
  if (typeof call !== 'function') throw new ConfigError(`The reference has no method ${name}.`);
  return Reflect.apply(call, ref, [message, options]);
}
