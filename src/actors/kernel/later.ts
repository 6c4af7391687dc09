import { promiseOf } from '../../foreign.js';

/** Property of every reply that comes later, whichever copy of Millrace made it. */
const laterKey: unique symbol = Symbol.for('millrace.later');

/** A reply that comes later, while the actor goes on with its next messages. Made by `later`. */
export class Later<Reply> {
  readonly [laterKey] = true;
  readonly reply: PromiseLike<Reply>;

  constructor(reply: PromiseLike<Reply>) {
    this.reply = reply;
  }
}

/**
 * Returned by an ask's handler in place of a promise, it answers the ask when `reply` settles but does not hold the mailbox. Use
 * it for questions that wait for something that only a later message brings. A rejection goes to the asker alone: the actor does
 * not fail. When the actor stops or restarts first, the ask fails with StoppedError.
 *
 *     lookup: (registry, { name }) => registry.find(name) ?? later(new Promise((found) => registry.wait(name, found))),
 */
export function later<Reply>(reply: PromiseLike<Reply>): Later<Reply> {
  return new Later(reply);
}

/** The reply that a handler has promised with `later`; undefined for any other value. */
export function laterReply(value: unknown): Promise<unknown> | undefined {
  if (typeof value !== 'object' || value === null || !(laterKey in value) || !('reply' in value)) return undefined;
  return promiseOf(value.reply) ?? Promise.resolve(value.reply);
}
