import { ProtocolError } from '../../errors.js';
import { limits } from '../../limits.js';

interface Replies<Reply> {
  readonly byTag: Map<number, Reply>;
  highestTag: number;
}

/**
 * Makes requests idempotent: a request is executed once for each process and tag. A repeat of it, sent because the reply was lost,
 * gets the same reply. Replies to the last `controlPlaneRequests` tags of a process are kept: see RequestTags.
 */
export class IdempotencyCache<Reply> {
  readonly #replies = new Map<bigint, Replies<Reply>>();

  /**
   * Throws ProtocolError for tag 0, which a request without a tag has, and for a tag so low that nobody knows whether it was executed. An
   * error that `execute` throws is not kept.
   */
  once(pUid: bigint, tag: number, execute: () => Reply): Reply {
    if (tag === 0) {
      throw new ProtocolError(
        'A request that changes something must carry a tag that is unique for its sender and > 0.',
      );
    }
    const replies = this.#replies.get(pUid) ?? { byTag: new Map<number, Reply>(), highestTag: 0 };
    const known = replies.byTag.get(tag);
    if (known !== undefined) return known;
    if (tag <= replies.highestTag - limits.controlPlaneRequests) {
      throw new ProtocolError(
        `Request ${tag} of process ${pUid} was refused: request ${replies.highestTag} has been executed, and replies to the last ${limits.controlPlaneRequests} are kept (limit controlPlaneRequests).`,
      );
    }
    const reply = execute();
    this.#replies.set(pUid, replies);
    replies.byTag.set(tag, reply);
    replies.highestTag = Math.max(replies.highestTag, tag);
    dropOld(replies);
    return reply;
  }

  forget(pUid: bigint): void {
    this.#replies.delete(pUid);
  }
}

/** Tags arrive nearly in order: at most twice as many as are kept for sure remain. */
function dropOld({ byTag, highestTag }: Replies<unknown>): void {
  for (const tag of byTag.keys()) {
    if (tag > highestTag - limits.controlPlaneRequests) return;
    byTag.delete(tag);
  }
}
