import { Deferred } from '../../deferred.js';
import { promiseOf } from '../../foreign.js';

/** Property of every Later, whichever copy of Millrace created it. */
const laterKey: unique symbol = Symbol.for('millrace.later');

/** A deferred reply: the actor handles further messages meanwhile. Created by `later`. */
export class Later<Reply> {
  readonly [laterKey] = true;
  readonly reply: PromiseLike<Reply>;

  constructor(reply: PromiseLike<Reply>) {
    this.reply = reply;
  }
}

/**
 * Defers the reply of an ask. A handler returns it in place of a promise: it answers the ask when `reply` settles, but does not hold the
 * mailbox. Use it where the reply depends on a later message. A rejection is sent to the caller, logged, and
 * counted as a failure, but supervision does not see it: the actor goes on. If the actor stops or restarts before `reply` is settled, the ask fails with StoppedError.
 *
 *     lookup: (registry, { name }) => registry.find(name) ?? later(new Promise((found) => registry.wait(name, found))),
 */
export function later<Reply>(reply: PromiseLike<Reply>): Later<Reply> {
  return new Later(reply);
}

/** A deferred reply that its owner settles. Created by `deferred`. */
export class DeferredReply<Reply> extends Later<Reply> {
  readonly #settling: Deferred<Reply>;

  constructor() {
    const settling = new Deferred<Reply>();
    super(settling.promise);
    // A rejection reaches the caller where the handler returns this reply; elsewhere nobody waits for it.
    settling.promise.catch(() => {});
    this.#settling = settling;
  }

  /** Replies with `value`. Does nothing when it is already settled. */
  resolve(value: Reply): void {
    this.#settling.resolve(value);
  }

  /** Fails the ask: with RefusedError for a Refusal, and with HandlerError for any other error. Does nothing when it is already settled. */
  reject(error: unknown): void {
    this.#settling.reject(error);
  }
}

/**
 * A deferred reply to keep until a later message brings the answer; as `later`, without a promise of one's own.
 *
 *     lookup: (registry, { name }) => {
 *       const reply = deferred<{ address: string }>();
 *       registry.waiting.set(name, reply);
 *       return reply;
 *     },
 *     register: (registry, { name, address }) => registry.waiting.get(name)?.resolve({ address }),
 */
export function deferred<Reply>(): DeferredReply<Reply> {
  return new DeferredReply();
}

/** The reply of a value created by `later`; undefined for any other value. */
export function laterReply(value: unknown): Promise<unknown> | undefined {
  if (typeof value !== 'object' || value === null || !(laterKey in value) || !('reply' in value)) return undefined;
  return promiseOf(value.reply) ?? Promise.resolve(value.reply);
}
