/** Replies that a process is remembered by: enough for every request it may still be repeating. */
const REMEMBERED_REPLIES = 256;

/**
 * Makes requests idempotent: what a process asked with a tag is carried out once, and answered again with the same reply when
 * the request comes again because its reply was lost.
 */
export class AnsweredRequests<Reply> {
  readonly #replies = new Map<bigint, Map<number, Reply>>();

  once(pUid: bigint, tag: number, carryOut: () => Reply): Reply {
    let replies = this.#replies.get(pUid);
    if (replies === undefined) {
      replies = new Map();
      this.#replies.set(pUid, replies);
    }
    const known = replies.get(tag);
    if (known !== undefined) {
      return known;
    }
    const reply = carryOut();
    replies.set(tag, reply);
    if (replies.size > REMEMBERED_REPLIES) {
      const [oldest] = replies.keys();
      if (oldest !== undefined) {
        replies.delete(oldest);
      }
    }
    return reply;
  }

  forget(pUid: bigint): void {
    this.#replies.delete(pUid);
  }
}
