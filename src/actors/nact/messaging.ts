import { ConfigError } from '../../errors.js';
import { shownValue } from '../../foreign.js';
import { type HasSystem, nodeOf, rootSystemOf, routeKey, type UntypedRef } from '../kernel/index.js';
import { dispatchByNact, queryByNact, stopByNact } from './internals.js';
import { dispatchTo, dispatchToSystem, noReply, queryOf, stopNode } from './node.js';
import { leavesPartition } from './plain-messages.js';
import { isOwnReference, isReference, type Ref } from './reference.js';
import type { Milliseconds } from './time.js';

/** A message to a typed actor in nact's form: `{ method: request }`. */
export type MethodMessage<R> = {
  [K in Exclude<keyof R, keyof UntypedRef>]: R[K] extends (request: infer Request, ...rest: infer _Rest) => unknown
    ? { readonly [P in K]: Request }
    : never;
}[Exclude<keyof R, keyof UntypedRef>];

/**
 * Sends a message. Returns `false` when the mailbox is past its high-water mark (`await actor.ready()`), or the actor has stopped: then
 * the message becomes a dead letter. Throws BackpressureError when the mailbox is full, ProtocolError for an actor of another partition.
 * For a typed actor, it calls the method that the message names, and dispatches the reply to `sender`.
 *
 * @example
 * const greeter = spawn(runtime, (state, name) => console.log(`Hello ${name}`));
 * dispatch(greeter, 'Ada');
 */
export function dispatch<Msg>(actor: Ref<Msg>, msg: NoInfer<Msg>, sender?: Ref<never> | UntypedRef): boolean;
export function dispatch<R extends UntypedRef>(
  actor: R,
  msg: MethodMessage<R>,
  sender?: Ref<never> | UntypedRef,
): boolean;
export function dispatch(actor: object, msg: unknown, sender?: object): boolean {
  const local = nodeOf(actor);
  if (local !== undefined) return dispatchTo(local, msg, sender);
  checkTarget('dispatch', actor);
  const system = rootSystemOf(actor);
  if (system !== undefined) return dispatchToSystem(system, msg, sender);
  if (isOwnReference(actor)) return actor.receive({ message: msg, sender });
  if (routeKey in actor) throw leavesPartition();
  dispatchByNact(actor, msg, sender);
  return true;
}

/** The type of the answer: what the reference in the message of a query accepts. */
export type ReplyTo<Factory> = Factory extends (sender: Ref<infer Reply>) => unknown ? Reply : never;

/**
 * Sends a message, and resolves to what the actor dispatches to its sender. A function as `queryFactory` gets that sender, and returns
 * the message; any other message is answered through `ctx.sender`. Rejects with AskTimeoutError at the deadline, with HandlerError when
 * the actor failed, with StoppedError when it has stopped, and with the other errors of an ask. For a typed actor, it is an ask. `timeout` is in ms, and above 0.
 *
 * @example
 * const price = await query(pricing, (sender) => ({ symbol: 'ACME', sender }), 500);
 */
export function query<Msg, Factory extends (sender: Ref<unknown>) => Msg>(
  actor: Ref<Msg>,
  queryFactory: Factory,
  timeout: Milliseconds,
): Promise<ReplyTo<Factory>>;
export function query<Msg>(actor: Ref<Msg>, msg: NoInfer<Msg>, timeout: Milliseconds): Promise<unknown>;
export function query<R extends UntypedRef>(
  actor: R,
  msg: MethodMessage<R> | (() => MethodMessage<R>),
  timeout: Milliseconds,
): Promise<unknown>;
export function query(actor: object, msg: unknown, timeout: Milliseconds): Promise<unknown> {
  checkTarget('query', actor);
  if (!(timeout > 0)) throw new ConfigError(`a query needs a positive timeout in milliseconds, not ${timeout}`);
  const local = nodeOf(actor);
  if (local !== undefined) return queryOf(local, msg, timeout);
  const system = rootSystemOf(actor);
  if (system !== undefined) return Promise.reject(noReply(system.name));
  if (routeKey in actor) return Promise.reject(leavesPartition());
  if (isOwnReference(actor)) {
    return Promise.reject(new ConfigError(`only an actor can be queried, and this reference is of type ${actor.type}`));
  }
  return queryByNact(actor, msg, timeout);
}

/**
 * Stops an actor when the message that it handles is done, its children first; or a whole runtime, given as itself or as the `parent` of
 * an actor without a parent. Throws ConfigError for an actor of another partition, and for an actor of the runtime itself.
 *
 * @example
 * stop(greeter);
 */
export function stop(actor: Ref<never> | UntypedRef | HasSystem): void {
  checkTarget('stop', actor);
  const local = nodeOf(actor);
  const system = rootSystemOf(actor);
  if (local !== undefined) stopNode(local);
  else if (system !== undefined) system.requestStop();
  else if (routeKey in actor) {
    throw new ConfigError('an actor of another partition cannot be stopped from here; stop it in its own partition');
  } else if (!isOwnReference(actor)) stopByNact(actor);
}

/** Throws ConfigError for a value that is neither a reference nor a system. */
function checkTarget(verb: string, actor: unknown): void {
  if (isReference(actor) || rootSystemOf(actor) !== undefined) return;
  throw new ConfigError(`${verb} needs a reference to an actor, as spawn returns it, not ${shownValue(actor)}`);
}
