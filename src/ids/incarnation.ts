/**
 * A random number of 64 bits that a process has from its start to its end; 0n where it is not known. References carry it, so that one to a
 * process that is gone never reaches another that got the same ids. Ids are also numbered from another place in each life of a process:
 * an id that was kept without its incarnation meets, but for a chance of about 2^-31, none that was made after a restart. At least half
 * of each range is left to number.
 */
export function firstProcessOf(incarnation: bigint): bigint {
  return incarnation >> 1n;
}

/** The first ordinal that a control plane leases. */
export function firstOrdinalOf(incarnation: bigint): number {
  return 1 + Number(incarnation & 0x3fffffffn);
}

/** The first sequence number of the ids of a partition. */
export function firstSequenceOf(incarnation: bigint): number {
  return Number((incarnation >> 32n) & 0x7fffffffn);
}
