import type { Scheduler } from '../../scheduler/index.js';

/** Returns a generator of incarnations, one for each process: 64 random bits, which depend on the seed on virtual time. */
export function incarnations(scheduler: Scheduler): () => bigint {
  const random = scheduler.fork('incarnations');
  const random32 = (): bigint => BigInt(Math.floor(random() * 2 ** 32));
  // 0 means an unknown incarnation.
  return () => (random32() << 32n) | random32() || 1n;
}
