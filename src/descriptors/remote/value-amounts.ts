import { limits } from '../../limits.js';
import type { v1 } from '../../protocol/index.js';
import type { PeerIncarnation } from '../ledger/index.js';
import { peerId } from './peer-id.js';

/** A number of values, and their bytes in all. */
export class Amount {
  values = 0;
  sizeBytes = 0;

  add(sizeBytes: number): void {
    this.values += 1;
    this.sizeBytes += sizeBytes;
  }

  remove(sizeBytes: number): void {
    this.values -= 1;
    this.sizeBytes -= sizeBytes;
  }

  /** The numbers of this moment. */
  get now(): v1.ValueAmount {
    return { values: this.values, sizeBytes: this.sizeBytes };
  }

  /** What it has lost since `before`. */
  less(before: v1.ValueAmount): v1.ValueAmount {
    return { values: before.values - this.values, sizeBytes: before.sizeBytes - this.sizeBytes };
  }
}

/** Values by the peers that hold them, or own them. */
export class AmountsByPeer {
  readonly #amounts = new Map<PeerIncarnation, Amount>();

  add(peer: PeerIncarnation, sizeBytes: number): void {
    let amount = this.#amounts.get(peer);
    if (amount === undefined) {
      amount = new Amount();
      this.#amounts.set(peer, amount);
    }
    amount.add(sizeBytes);
  }

  /** Those with most bytes, first. */
  largest(): readonly v1.PeerValuesInit[] {
    return [...this.#amounts]
      .sort(([, left], [, right]) => right.sizeBytes - left.sizeBytes)
      .slice(0, limits.describedPeers)
      .map(([peer, amount]) => ({ peer: peerId(peer), amount: amount.now }));
  }
}
