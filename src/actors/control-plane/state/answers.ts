import { ProtocolError } from '../../../errors.js';
import { limits } from '../../../limits.js';
import { PersistentMap } from '../../../persistent-map.js';

/** The replies to the last requests of each process. */
export type AnswersState<Reply> = PersistentMap<bigint, Replies<Reply>>;

interface Replies<Reply> {
  readonly byTag: PersistentMap<number, Reply>;
  readonly highestTag: number;
}

const NONE: Replies<never> = { byTag: PersistentMap.empty(), highestTag: 0 };

/**
 * Makes requests idempotent: a request is executed once for each process and tag. A repeat of it, sent because the reply was lost,
 * gets the same reply. Replies to the last `controlPlaneRequests` tags of a process are kept: see RequestTags.
 */
export class Answers<Reply> {
  #state: AnswersState<Reply>;

  constructor(state: AnswersState<Reply>) {
    this.#state = state;
  }

  get state(): AnswersState<Reply> {
    return this.#state;
  }

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
    const { byTag, highestTag }: Replies<Reply> = this.#state.get(pUid) ?? NONE;
    const known = byTag.get(tag);
    if (known !== undefined) return known;
    if (tag <= highestTag - limits.controlPlaneRequests) {
      throw new ProtocolError(
        `Request ${tag} of process ${pUid} was refused: request ${highestTag} has been executed, and replies to the last ${limits.controlPlaneRequests} are kept (limit controlPlaneRequests).`,
      );
    }
    const reply = execute();
    const highest = Math.max(highestTag, tag);
    this.#state = this.#state.with(pUid, {
      byTag: withoutOld(byTag.with(tag, reply), highest - limits.controlPlaneRequests),
      highestTag: highest,
    });
    return reply;
  }

  forget(pUid: bigint): void {
    this.#state = this.#state.without(pUid);
  }
}

/** Without the replies to tags up to `last`. */
function withoutOld<Reply>(byTag: PersistentMap<number, Reply>, last: number): PersistentMap<number, Reply> {
  let kept = byTag;
  for (let lowest = kept.first; lowest !== undefined && lowest <= last; lowest = kept.first) {
    kept = kept.without(lowest);
  }
  return kept;
}
