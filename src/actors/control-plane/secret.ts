import { type Scheduler, systemEntropy } from '../../scheduler/index.js';
import type { ActorSystem } from '../kernel/index.js';

/** By which a process proves that an announcement is its own. Others must not be able to guess it. On virtual time it follows from the seed. */
export function newSecret({
  scheduler,
  system,
}: {
  readonly scheduler: Scheduler;
  readonly system: ActorSystem;
}): bigint {
  if (!scheduler.isVirtual) return new DataView(systemEntropy(8).buffer).getBigUint64(0);
  return BigInt(Math.floor(scheduler.fork(`secret of ${system.name} ${system.incarnation}`)() * 2 ** 52));
}
