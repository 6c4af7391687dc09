import { type Scheduler, systemEntropy } from '../../scheduler/index.js';

/** Gives each process that starts its incarnation: that of the operating system's chance; on virtual time it follows from the seed. */
export function incarnations(scheduler: Scheduler): () => bigint {
  const draw = scheduler.isVirtual ? words(scheduler.fork('incarnations')) : systemWord;
  // 0 means that the incarnation is not known.
  return () => draw() || 1n;
}

function systemWord(): bigint {
  return Buffer.from(systemEntropy(8)).readBigUInt64LE();
}

function words(random: () => number): () => bigint {
  const half = (): bigint => BigInt(Math.floor(random() * 2 ** 32));
  return () => (half() << 32n) | half();
}
