import { ConfigError } from '../../errors.js';
import { isAsyncIterable, promiseOf } from '../../foreign.js';
import type { AnyMethod, AnyService, AskMethod, MessageType, StreamMethod, TellMethod } from '../../protocol/index.js';
import { checkRequest, replyOf } from '../kernel/index.js';
import type { AnyContained, ComponentCall, ContainedHandler } from './define.js';

type RequestInitOf<M> = M extends { readonly request: MessageType<infer _Request, infer Init> } ? Init : never;

/** What the handler gives back decides whether the result is a promise: a direct call is a call of its function. */
type DirectResult<M, Handler> =
  M extends TellMethod<infer _Request, infer _Init>
    ? ReturnTypeOf<Handler>
    : M extends AskMethod<infer _Request, infer _Init, infer Response, infer _ResponseInit>
      ? ReturnTypeOf<Handler> extends PromiseLike<unknown>
        ? Promise<Response>
        : Response
      : M extends StreamMethod<infer _Request, infer _Init, infer Response, infer _ResponseInit>
        ? AsyncIterable<Response>
        : never;

type ReturnTypeOf<Handler> = Handler extends (...given: never[]) => infer Result ? Result : never;

/**
 * The component's rpcs as functions of the same container: no message is sent, and nothing waits. What the handler throws is thrown. The result
 * is a promise only where the handler returns one.
 */
export type DirectCalls<S extends AnyService, Handlers> = {
  readonly [K in keyof S['methods'] & keyof Handlers]: (
    request: RequestInitOf<S['methods'][K]>,
  ) => DirectResult<S['methods'][K], Handlers[K]>;
};

/** A component in a container, with its environment. */
export interface Hosted {
  readonly component: AnyContained;
  readonly environment: unknown;
}

/** Calls the rpc `name` of a hosted component. Throws what its handler throws, and ProtocolError for what is no message. */
export function callDirectly(hosted: Hosted, name: string, request: unknown, call: ComponentCall): unknown {
  const { component, environment } = hosted;
  const method = component.service.methods[name];
  const handler = component.handlerFor(name);
  if (method === undefined || handler === undefined) {
    throw new ConfigError(`Component "${component.name}" has no rpc ${name}.`);
  }
  checkRequest(method, request);
  const result = called(handler, environment, method.request.create(request), call);
  if (method.mode === 'tell') return result;
  if (method.mode === 'stream') return elements(method, result);
  const promise = promiseOf(result);
  return promise === undefined ? replyOf(method, result) : promise.then((value) => replyOf(method, value));
}

function called(handler: ContainedHandler, environment: unknown, request: unknown, call: ComponentCall): unknown {
  return handler(environment, request, call);
}

async function* elements(method: AnyMethod, result: unknown): AsyncGenerator<unknown> {
  if (!isAsyncIterable(result)) {
    throw new ConfigError(`The handler of ${method.fullName} must be an async generator: async function* (...).`);
  }
  for await (const element of result) yield replyOf(method, element);
}
