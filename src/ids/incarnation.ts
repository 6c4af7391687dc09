/**
 * The incarnation of a process is a random 64-bit number, new at each start; 0n where it is unknown. References contain it, so that a
 * reference to an ended process never reaches another process with the same ids. Each incarnation also starts its ids at another offset:
 * an id that was stored without its incarnation equals an id of a later process only with a probability of about 2^-31. At least half of
 * each id range remains available.
 */

/** The index of the first managed process that a control plane numbers. */
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

/** The first id of a resource that a control plane gives. */
export function firstResourceOf(incarnation: bigint): number {
  return 1 + Number((incarnation >> 30n) & 0x3fffffffn);
}
