/**
 * The incarnation of a process is a random 64-bit number, new at each start; 0n where it is unknown. References contain it, so that a
 * reference to an ended process never reaches another process with the same ids. Each incarnation also starts its ids at another offset:
 * an id that was stored without its incarnation equals an id of a later process only with a probability of about 2^-31. At least half of
 * each id range remains available.
 */

/** An odd number, 2^64 over the golden ratio: its multiples are far from one another in all bits. */
const TERMS_APART = 0x9e3779b97f4a7c15n;

/**
 * Where the ids begin of a control plane that a process serves with this epoch. A process that serves again, with a later epoch, must give no id a
 * second time: the process that got it the first time may not have announced itself yet.
 */
export function incarnationOfTerm(incarnation: bigint, epoch: number): bigint {
  return BigInt.asUintN(64, incarnation + BigInt(epoch - 1) * TERMS_APART);
}

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
