import type { Scheduler } from '../../scheduler/index.js';

/** Gives each process that starts its incarnation: 64 random bits, which follow from the seed on virtual time. */
export function incarnations(scheduler: Scheduler): () => bigint {
  const random = scheduler.fork('incarnations');
  const half = (): bigint => BigInt(Math.floor(random() * 2 ** 32));
  // 0 means that the incarnation is not known.
  return () => (half() << 32n) | half() || 1n;
}
