import { ConfigError, MillraceError, ProtocolError } from '../../errors.js';
import type { AnyMethod } from '../../protocol/index.js';
import { type ActorNode, type RootSystem, checkRequest, isInfrastructure } from '../kernel/index.js';
import { dispatchByNact } from './internals.js';
import { plainMessages, receive } from './plain-messages.js';
import { PlainQuery } from './plain-query.js';
import { registeredSystem } from './queries.js';
import { Nobody } from './reference.js';

const nobody = Object.freeze(new Nobody());

/**
 * Sends a message in nact's form: anything to an actor that accepts plain messages, `{ methodName: request }` to any other. The reply
 * to an ask is dispatched to `sender`, if there is one. Returns what `tell` returns.
 */
export function dispatchTo(node: ActorNode, message: unknown, sender?: object): boolean {
  if (takesPlain(node)) return node.tell(receive, { message, sender: sender ?? nobody }, undefined);
  const [method, request] = parse(node, message);
  if (method.mode === 'tell') return node.tell(method, request, undefined);
  // The reply may not be taken either: by a sender that is no reference, is full, or takes other messages.
  node
    .ask(method, request, undefined)
    .then((reply) => sender !== undefined && dispatchByNact(sender, reply))
    .catch((error: unknown) => node.reportLostReply(error));
  return true;
}

/**
 * As `dispatchTo`, for an ask. A function creates the message. It gets the reference that accepts the answer where the actor accepts
 * plain messages, and Nobody otherwise, since a typed actor's handler returns the reply.
 */
export async function queryOf(node: ActorNode, message: unknown, timeoutMs: number): Promise<unknown> {
  if (takesPlain(node)) {
    return askPlain(node, ({ reference }) => (isFactory(message) ? message(reference) : message), timeoutMs);
  }
  const [method, request] = parse(node, isFactory(message) ? message(nobody) : message);
  if (method.mode !== 'ask')
    throw new ProtocolError(`${method.fullName} has no reply: dispatch it instead of querying it`);
  return node.ask(method, request, { timeoutMs });
}

function askPlain(node: ActorNode, messageFor: (query: PlainQuery) => unknown, timeoutMs: number): Promise<unknown> {
  const { tree } = node;
  const queries = registeredSystem(tree.name)?.queries;
  let asked: PlainQuery | undefined;
  return new Promise((resolve, reject) => {
    const call = tree.system.outgoingAsk({ timeoutMs });
    const reference = { systemName: tree.name, id: queries?.nextId() ?? 0 };
    const query = new PlainQuery(tree.system.deadlines, node, call, reference, resolve, reject);
    asked = query;
    const message = messageFor(query);
    queries?.expect(query.reference);
    query.start(call.beganMs);
    if (!query.isSettled) node.deliver(receive, { message, sender: query.reference, query }, query);
    query.handedOver();
  }).finally(() => asked !== undefined && queries?.forget(asked.reference));
}

/** Stops an actor. Throws ConfigError for an actor of the runtime itself: without one of them the runtime would not work. */
export function stopNode(node: ActorNode): void {
  if (isInfrastructure(node.service.typeName)) {
    throw new ConfigError(
      `${node.path} belongs to the runtime, so it cannot be stopped alone: stop its pipeline, or the runtime`,
    );
  }
  node.requestStop();
}

/** A system has no behavior: the message becomes a dead letter. */
export function dispatchToSystem(system: RootSystem, message: unknown, sender: object | undefined): boolean {
  system.addDeadLetter(
    { path: system.name },
    receive.fullName,
    { message, sender: sender ?? nobody },
    'unknown method',
  );
  return false;
}

/** The error of a query to a system. */
export function noReply(system: string): ConfigError {
  return new ConfigError(`the system ${system} answers no messages: query one of its actors`);
}

/** True for nact actors. Compares names, because the actor may belong to another copy of Millrace. */
export function takesPlain(node: { readonly service: { readonly typeName: string } }): boolean {
  return node.service.typeName === plainMessages.typeName;
}

function isFactory(message: unknown): message is (sender: object) => unknown {
  return typeof message === 'function';
}

function parse({ name: actor, service }: ActorNode, message: unknown): readonly [AnyMethod, unknown] {
  // An array is no message, and may be long.
  const isObject = typeof message === 'object' && message !== null && !Array.isArray(message);
  const entries = isObject ? Object.entries(message) : [];
  const [name, request] = entries[0] ?? [];
  const method =
    name === undefined || entries.length > 1 || !Object.hasOwn(service.methods, name)
      ? undefined
      : service.methods[name];
  if (method === undefined) {
    const known = Object.keys(service.methods).join(', ');
    throw new ProtocolError(`a message to ${actor} must be { method: request } with one of the methods ${known}`);
  }
  if (method.streamsRequests === true)
    throw new ProtocolError(`${method.fullName} streams its requests: call it on the reference`);
  if (method.mode === 'stream')
    throw new ProtocolError(`${method.fullName} is a stream: call it on the reference, and iterate the result`);
  return [method, requestOf(method, request)];
}

/** The request with its defaults. Throws ProtocolError for what is no request of this method. */
function requestOf(method: AnyMethod, request: unknown): unknown {
  try {
    checkRequest(method, request);
    return method.request.create(request);
  } catch (cause) {
    if (cause instanceof MillraceError) throw cause;
    throw new ProtocolError(`${method.fullName} cannot be called with this message`, { cause });
  }
}

/** nact's own spawn would create an actor that bypasses Millrace's scheduler. */
export function spawnRefused(name: string): ConfigError {
  return new ConfigError(
    `nact's own spawn cannot create an actor under ${name}, because the actor would not use its scheduler; use spawn of millrace/nact`,
  );
}
