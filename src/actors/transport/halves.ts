/** A channel id from its low and high 32 bits, as envelopes carry it. */
export function cUidOf(low: number, high: number): bigint {
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}

export function lowOf(cUid: bigint): number {
  return Number(cUid & 0xffff_ffffn);
}

/** Both halves of one id after the other, without making a bigint of each: what every message that goes out needs. */
export class Halves {
  low = 0;
  high = 0;
  #cUid = 0n;
  readonly #view = new DataView(new ArrayBuffer(8));

  /** Puts the halves of `cUid` into `low` and `high`. */
  split(cUid: bigint): void {
    if (cUid === this.#cUid) {
      return;
    }
    this.#cUid = cUid;
    this.#view.setBigUint64(0, cUid, true);
    this.low = this.#view.getInt32(0, true);
    this.high = this.#view.getInt32(4, true);
  }
}
