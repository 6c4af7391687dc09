import { ProtocolError } from '../../errors.js';

/** Replies that a process is remembered by: enough for every request it may still be repeating. */
const REMEMBERED_REPLIES = 256;

/**
 * Makes requests idempotent: what a process asked with a tag is carried out once, and answered again with the same reply when
 * the request comes again because its reply was lost.
 */
export class AnsweredRequests<Reply> {
  readonly #replies = new Map<bigint, Map<number, Reply>>();

  /** ProtocolError for tag 0, which every request without one has. What `carryOut` throws is not remembered. */
  once(pUid: bigint, tag: number, carryOut: () => Reply): Reply {
    if (tag === 0) {
      throw new ProtocolError('A request that changes something carries a tag, unique for its sender and > 0.');
    }
    const known = this.#replies.get(pUid)?.get(tag);
    if (known !== undefined) {
      return known;
    }
    const reply = carryOut();
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
