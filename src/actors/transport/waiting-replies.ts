import { limits } from '../../limits.js';

/** Replies may use this part of what all links have left free. */
const PART_OF_FREE = 1 / 3;
/** What a link may use in any case, as a part of an equal share. */
const PART_OF_SHARE = 1 / 4;

/** The bytes that wait for one link, and since when its peer has taken nothing. */
export class LinkBacklog {
  bytes = 0;
  sinceMs = 0;
  readonly giveUp: () => void;

  /** `giveUp` closes the link, in a turn of its own. */
  constructor(giveUp: () => void) {
    this.giveUp = giveUp;
  }
}

/**
 * Shares `replyBytes` among the links of one partition. The replies of one link may use a third of what all links have left free: one slow
 * link has a quarter of the bound, and a fast one, for which little waits, is never refused because of slow ones. A small part of an equal
 * share is its own in any case. If this exceeds the bound, the slowest link is closed: of those with more than an equal share, the one
 * whose peer has taken nothing for the longest time.
 */
export class WaitingReplies {
  readonly #limit: number;
  readonly #now: () => number;
  readonly #links = new Set<LinkBacklog>();
  #total = 0;

  /** `now` is the scheduler's time. */
  constructor(limit: number, now: () => number) {
    this.#limit = limit;
    this.#now = now;
  }

  get total(): number {
    return this.#total;
  }

  /** Bytes that may wait for one link before its next reply is refused. */
  get allowance(): number {
    const free = (this.#limit - this.#total) * PART_OF_FREE;
    const share = (this.#limit / (this.#links.size + 1)) * PART_OF_SHARE;
    return Math.min(limits.linkReplyBytes, Math.max(free, share));
  }

  /** `bytes` wait for this link now. */
  update(link: LinkBacklog, bytes: number): void {
    const { bytes: before } = link;
    // Most replies go straight into a frame of the link.
    if (bytes === before) return;
    this.#total += bytes - before;
    link.bytes = bytes;
    if (before === 0 || bytes < before) link.sinceMs = this.#now();
    if (bytes === 0) this.#links.delete(link);
    else this.#links.add(link);
    while (bytes > before && this.#total > this.#limit && this.#links.size > 0) this.#giveUpSlowest();
  }

  #giveUpSlowest(): void {
    const share = this.#limit / this.#links.size;
    let slowest: LinkBacklog | undefined;
    for (const link of this.#links) {
      if (link.bytes < share) continue;
      if (slowest === undefined || link.sinceMs < slowest.sinceMs) slowest = link;
    }
    if (slowest === undefined) return;
    this.update(slowest, 0);
    slowest.giveUp();
  }
}
