import { ProtocolError } from '../../errors.js';

/** Replies that are kept for each process: enough for every request that it may still be repeating. */
const REMEMBERED_REPLIES = 256;

/**
 * Makes requests idempotent: a request is executed once for each process and tag. A repeat of it, sent because the reply was lost,
 * gets the same reply.
 */
export class IdempotencyCache<Reply> {
  readonly #replies = new Map<bigint, Map<number, Reply>>();

  /** Throws ProtocolError for tag 0, which a request without a tag has. An error that `execute` throws is not kept. */
  once(pUid: bigint, tag: number, execute: () => Reply): Reply {
    if (tag === 0) {
      throw new ProtocolError(
        'A request that changes something must carry a tag that is unique for its sender and > 0.',
      );
    }
    const known = this.#replies.get(pUid)?.get(tag);
    if (known !== undefined) {
      return known;
    }
    const reply = execute();
    this.#remember(pUid, tag, reply);
    return reply;
  }

  forget(pUid: bigint): void {
    this.#replies.delete(pUid);
  }

  #remember(pUid: bigint, tag: number, reply: Reply): void {
    const replies = this.#replies.get(pUid) ?? new Map<number, Reply>();
    this.#replies.set(pUid, replies.set(tag, reply));
    if (replies.size > REMEMBERED_REPLIES) {
      const [oldest] = replies.keys();
      if (oldest !== undefined) {
        replies.delete(oldest);
      }
    }
  }
}
