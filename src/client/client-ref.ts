import { ProtocolError } from '../errors.js';
import {
  type AnyMethod,
  type AnyService,
  type AskMethod,
  decode,
  encode,
  type StreamMethod,
  type StreamsRequests,
  type TellMethod,
} from '../protocol/index.js';
import { ask } from './ask-call.js';
import { type ClientAskOptions, checkNames, type ClientStreamOptions } from './call-options.js';
import type { Session } from './session.js';
import { type ClientStream, StreamReader } from './stream-reader.js';

/** A message without fields, such as google.protobuf.Empty, may be left out. */
type Arguments<Init, Options> = [keyof Init] extends [never]
  ? [message?: Init | undefined, options?: Options]
  : [message: Init, options?: Options];

type CallOf<M> =
  M extends TellMethod<infer _Request, infer Init>
    ? (...given: Arguments<Init, Readonly<Record<string, never>>>) => boolean
    : M extends AskMethod<infer _Request, infer Init, infer Response, infer _ResponseInit>
      ? (...given: Arguments<Init, ClientAskOptions>) => Promise<Response>
      : M extends StreamMethod<infer _Request, infer Init, infer Response, infer _ResponseInit>
        ? (...given: Arguments<Init, ClientStreamOptions>) => ClientStream<Response>
        : never;

/**
 * A reference to a named actor of the cluster, with a method for each rpc, but for those that stream their requests. A tell returns `true`, or `false` when
 * the connection is slow; it throws UnreachableError while there is no connection, and BackpressureError where too much waits for it. An ask resolves with the
 * reply, or rejects with a MillraceError. It holds over lost connections, and follows the name.
 */
export type ClientRef<S extends AnyService> = { readonly service: S; readonly name: string } & {
  readonly [K in keyof S['methods'] as S['methods'][K] extends StreamsRequests ? never : K]: CallOf<S['methods'][K]>;
};

/** Makes the reference to the actor `name`. */
export function clientRef<S extends AnyService>(session: Session, service: S, name: string): ClientRef<S> {
  const calls = Object.values(service.methods)
    .filter((method) => method.streamsRequests !== true)
    .map((method) => [method.name, callOf(session, method, name)] as const);
  // oxlint-disable-next-line typescript/consistent-type-assertions -- as in the kernel's reference.ts: the object has exactly the methods that ClientRef names.
  return Object.freeze({ ...Object.fromEntries(calls), service, name }) as unknown as ClientRef<S>;
}

function callOf(session: Session, method: AnyMethod, name: string): unknown {
  switch (method.mode) {
    case 'tell':
      return (message: unknown, options: object = {}) => tell(session, method, name, message, options);
    case 'ask':
      return (message: unknown, options?: ClientAskOptions) => request(session, method, name, message, options);
    case 'stream':
      return (message: unknown, options?: ClientStreamOptions) => stream(session, method, name, message, options);
  }
}

function tell(session: Session, method: AnyMethod, name: string, message: unknown, options: object): boolean {
  checkNames(method.fullName, options, []);
  const bytes = encoded(method, message);
  const common = { name, method: method.fullName, message: bytes };
  return session.tell(method, (call) => ({ case: 'call', value: { call, ...common } }));
}

async function request(
  session: Session,
  method: AnyMethod,
  name: string,
  message: unknown,
  options: ClientAskOptions | undefined,
): Promise<unknown> {
  const { fullName, response } = method;
  const common = { name, method: fullName, message: encoded(method, message) };
  const question = {
    what: fullName,
    open: (call: number, timeoutMs: number) => ({ case: 'call', value: { call, timeoutMs, ...common } }) as const,
    read: (reply: Uint8Array) => decode(response, reply),
  };
  return ask(session, question, options);
}

/** Throws ProtocolError and ConfigError at once, as nothing else would say where the call was made. */
function stream(
  session: Session,
  method: AnyMethod,
  name: string,
  message: unknown,
  options: ClientStreamOptions | undefined,
): ClientStream<unknown> {
  const { fullName, response } = method;
  const common = { name, method: fullName, message: encoded(method, message) };
  const source = {
    what: fullName,
    open: (call: number, credit: number, timeoutMs: number) =>
      ({ case: 'call', value: { call, credit, timeoutMs, ...common } }) as const,
    read: (element: Uint8Array) => decode(response, element),
  };
  return new StreamReader(session, source, options);
}

/** Throws ProtocolError for what is no message of the method. One that is left out is empty. */
function encoded({ fullName, request: type }: AnyMethod, message: unknown = {}): Uint8Array {
  if (typeof message === 'object' && message !== null && !Array.isArray(message)) return encode(type, message);
  throw new ProtocolError(`${fullName} needs a message, an object with the fields of ${type.typeName}.`);
}
