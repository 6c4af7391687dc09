import { limits } from '../../limits.js';
import type { v1 } from '../../protocol/index.js';
import type { PeerIncarnation } from '../ledger/index.js';
import { peerId } from './peer-id.js';

/** What the end of a peer has changed here. */
export interface PeerEnd {
  /** Values of this partition that it held. */
  readonly held: v1.ValueAmount;
  /** Those of them that nobody else held. */
  readonly freed: v1.ValueAmount;
  /** Values of it that were held here. */
  readonly lost: v1.ValueAmount;
}

/** The peers that have ended last, and what became of the values that they held and owned. */
export class EndedPeers {
  readonly #ended: { readonly peer: PeerIncarnation; readonly atMs: number; readonly end: PeerEnd }[] = [];

  /** One that had nothing to do with values of this partition is not worth a place. */
  add(peer: PeerIncarnation, atMs: number, end: PeerEnd): void {
    if (end.held.values === 0 && end.lost.values === 0) return;
    this.#ended.unshift({ peer, atMs, end });
    this.#ended.length = Math.min(this.#ended.length, limits.describedPeers);
  }

  /** The last one first. `kept` says what of a peer's values is read here still. */
  list(nowMs: number, kept: (peer: PeerIncarnation) => v1.ValueAmount): readonly v1.EndedPeerInit[] {
    return this.#ended.map(({ peer, atMs, end }) => ({
      peer: peerId(peer),
      endedMsAgo: nowMs - atMs,
      ...end,
      kept: kept(peer),
    }));
  }
}
