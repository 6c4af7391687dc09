import { BackpressureError, ConfigError } from '../../errors.js';
import type { AnyMethod } from '../../protocol/index.js';
import { dropMessage } from './arriving-message.js';
import type { Delivery } from './delivery.js';
import { Mailbox } from './mailbox.js';

/** Messages that an actor has stashed until it can handle them: oldest first, with their deliveries. */
export class Stash {
  #isMarked = false;
  /** `unstashAll` was called after the mark, so that message goes back to the mailbox with the others. */
  #isReturning = false;
  readonly #kept = new Mailbox();
  readonly #capacity: number;
  readonly #actor: { readonly path: string };

  constructor(capacity: number, actor: { readonly path: string }) {
    this.#capacity = capacity;
    this.#actor = actor;
  }

  /** The message being handled will be stashed when its handler is done. */
  get isMarked(): boolean {
    return this.#isMarked;
  }

  /** All are to go back to the mailbox, when the message that is marked was added. False when none is marked. */
  returnsWithMarked(): boolean {
    if (this.#isMarked) this.#isReturning = true;
    return this.#isMarked;
  }

  /** The handler of the marked message is done, or has failed. True when all are to go back to the mailbox now. */
  unmark(): boolean {
    const isReturning = this.#isReturning;
    this.#isMarked = false;
    this.#isReturning = false;
    return isReturning;
  }

  get size(): number {
    return this.#kept.size;
  }

  /** Looks at every message in it. */
  has(delivery: Delivery): boolean {
    return this.#kept.hasDelivery(delivery);
  }

  /** Throws BackpressureError when the stash is full. Drops expired asks first, and calls `forgotten` for each. */
  mark(nowMs: number, forgotten: (ask: Delivery) => void): void {
    if (this.#kept.size >= this.#capacity) this.#forgetExpired(nowMs, forgotten);
    if (this.#kept.size >= this.#capacity) {
      throw new BackpressureError(
        `the stash of ${this.#actor.path} is full (${this.#capacity} messages): call ctx.unstashAll(), or give mailbox.stashCapacity`,
      );
    }
    this.#isMarked = true;
  }

  keep(method: AnyMethod, message: unknown, delivery: Delivery | undefined): void {
    this.#kept.push(method, message, delivery);
  }

  /** Moves all messages to the front of `mailbox`. */
  moveTo(mailbox: Mailbox): void {
    mailbox.prepend(this.#kept);
  }

  /** A hook or timer has ended. Throws ConfigError when it has called `stash`, because it handles no message. */
  assertUnmarked(): void {
    if (!this.#isMarked) return;
    this.#isMarked = false;
    throw nothingToStash(this.#actor.path);
  }

  #forgetExpired(nowMs: number, forgotten: (ask: Delivery) => void): void {
    for (let left = this.#kept.size; left > 0; left--) {
      const { method, message, delivery } = this.#kept;
      this.#kept.drop();
      if (delivery !== undefined && delivery.deadlineMs <= nowMs) {
        dropMessage(message);
        forgotten(delivery);
      } else if (method !== undefined) this.#kept.push(method, message, delivery);
    }
  }
}

/** `path` names the actor. */
export function nothingToStash(path: string): ConfigError {
  return new ConfigError(
    `${path}: ctx.stash() stashes the message being handled, but a timer, hook or stream handles none`,
  );
}
