import type { Ref } from '../../../protocol/index.js';
import { type Scheduler, systemEntropy } from '../../../scheduler/index.js';

const KEY_BYTES = 32;

/** The tokens by which one process knows the reports of pools: each pool has one that no other pool can tell. */
export class ReportTokens {
  readonly #key: Uint8Array;

  /** `of`: the process. */
  constructor(scheduler: Scheduler, of: string) {
    this.#key = keyOf(scheduler, of);
  }

  /** The same for one pool each time, and not 0. */
  of({ cUid, incarnation }: Ref): bigint {
    const { createHmac } = process.getBuiltinModule('node:crypto');
    const digest = createHmac('sha256', this.#key).update(`${cUid}/${incarnation}`).digest();
    return digest.readBigUInt64LE() | 1n;
  }
}

/** On virtual time it comes from the seed. */
function keyOf(scheduler: Scheduler, of: string): Uint8Array {
  if (!scheduler.isVirtual) return systemEntropy(KEY_BYTES);
  const random = scheduler.fork(`reports of pools to ${of}`);
  return Uint8Array.from({ length: KEY_BYTES }, () => Math.floor(random() * 256));
}
