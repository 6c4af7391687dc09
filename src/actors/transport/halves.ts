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
