/** A channel id from its low and high 32 bits, as envelopes carry it. */
export function cUidOf(low: number, high: number): bigint {
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}

export function lowOf(cUid: bigint): number {
  return Number(cUid & 0xffff_ffffn);
}

export function highOf(cUid: bigint): number {
  return Number(cUid >> 32n);
}

/** Splits a channel id into its low and high 32 bits without a bigint for each: every outgoing message needs them. */
export class Uint64Parts {
  low = 0;
  high = 0;
  #cUid = 0n;
  readonly #view = new DataView(new ArrayBuffer(8));

  /** Sets `low` and `high`, as signed 32-bit integers. */
  set(cUid: bigint): void {
    if (cUid === this.#cUid) {
      return;
    }
    this.#cUid = cUid;
    this.#view.setBigUint64(0, cUid, true);
    this.low = this.#view.getInt32(0, true);
    this.high = this.#view.getInt32(4, true);
  }
}
