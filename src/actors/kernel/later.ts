import { Deferred } from '../../deferred.js';
import { promiseOf } from '../../foreign.js';

/** Property of every Later, whichever copy of Millrace created it. */
const laterKey: unique symbol = Symbol.for('millrace.later');

/** Method of a DeferredReply that is told who waits for it. */
const answersKey: unique symbol = Symbol('who waits');

/** What a handler has returned in place of a reply. */
export interface LaterReply {
  readonly reply: Promise<unknown>;
  /** Only of `deferred`: is told who says whether the caller waits. */
  readonly answers?: ((isAwaited: () => boolean) => void) | undefined;
}

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
  #isSettled = false;
  #isAwaited: () => boolean = () => true;

  constructor() {
    const settling = new Deferred<Reply>();
    super(settling.promise);
    // A rejection reaches the caller where the handler returns this reply; elsewhere nobody waits for it.
    settling.promise.catch(() => {});
    this.#settling = settling;
  }

  /**
   * Replies with `value`. Returns false where this answers nobody: the caller has given up (its deadline, its signal, a lost link), the actor has
   * stopped, or this reply is settled already. Returns true before the handler has returned it.
   */
  resolve(value: Reply): boolean {
    const answers = this.#settles();
    this.#settling.resolve(value);
    return answers;
  }

  /** Fails the ask: with RefusedError for a Refusal, and with HandlerError for any other error. Returns false as `resolve` does. */
  reject(error: unknown): boolean {
    const answers = this.#settles();
    this.#settling.reject(error);
    return answers;
  }

  /** The handler has returned this reply: `isAwaited` says whether its caller waits. */
  [answersKey](isAwaited: () => boolean): void {
    this.#isAwaited = isAwaited;
  }

  #settles(): boolean {
    if (this.#isSettled) return false;
    this.#isSettled = true;
    return this.#isAwaited();
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

/** As `laterReply`, with what is to be told who waits for the reply. */
export function deferredReplyOf(value: unknown): LaterReply | undefined {
  const reply = laterReply(value);
  if (reply === undefined) return undefined;
  return value instanceof DeferredReply ? { reply, answers: (isAwaited) => value[answersKey](isAwaited) } : { reply };
}
