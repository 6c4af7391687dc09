/** Allocators of the ids that no convention fixes. None reuses an id in a run. */
import { CapacityError } from '../errors.js';
import { IDS_PER_ORDINAL, MAX_ORDINALS, processBands } from './bands.js';
import { managedPUid, userCUid, userMUid } from './conventional.js';
import type { CUid, MUid, PUid } from './uid.js';

/** p_uids of managed processes, from 2^32 up. One for each run, where the control plane is served. */
export class ManagedPUidAllocator {
  #next: bigint;

  /** `first` is the index of the next process; above 0 when a run is resumed. */
  constructor(first = 0n) {
    this.#next = first;
  }

  /** Throws CapacityError when all are taken. */
  next(): PUid {
    if (this.#next >= processBands.managed.count) throw new CapacityError('No p_uid is left for a managed process.');
    const id = managedPUid(this.#next);
    this.#next += 1n;
    return id;
  }
}

/** Leases blocks of user ids to partitions. One for each run, where the control plane is served. */
export class OrdinalAllocator {
  #next: number;

  constructor(first = 0) {
    this.#next = first;
  }

  /** Returns the ordinal of an unused block. Throws CapacityError when all are leased. */
  lease(): number {
    if (this.#next >= MAX_ORDINALS) throw new CapacityError('No block of user ids is left to lease in this run.');
    const ordinal = this.#next;
    this.#next += 1;
    return ordinal;
  }
}

/** User ids of one leased block: channels and pools share its sequence. */
export class CUidAllocator {
  readonly ordinal: number;
  #next: number;

  /** `first` is the sequence number of the next id. */
  constructor(ordinal: number, first = 0) {
    this.ordinal = ordinal;
    this.#next = first;
  }

  /** Ids left in this block. Lease another block before it is 0. */
  get remaining(): number {
    return IDS_PER_ORDINAL - this.#next;
  }

  /** Throws CapacityError when the block is used up. */
  next(): CUid {
    return userCUid(this.ordinal, this.#take());
  }

  /** Throws CapacityError when the block is used up. */
  nextMUid(): MUid {
    return userMUid(this.ordinal, this.#take());
  }

  #take(): number {
    if (this.#next >= IDS_PER_ORDINAL) {
      throw new CapacityError(`All 2^32 ids of block ${this.ordinal} are taken: lease another block.`);
    }
    const sequence = this.#next;
    this.#next += 1;
    return sequence;
  }
}
