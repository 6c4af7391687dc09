import { type CUidAllocator, type MUid, nodeDefaultMUid, nodeLoggingMUid } from '../../ids/index.js';
import type { Logger } from '../../logging/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import { type ArenaSource, type MemoryChoice, openArenas } from '../memory/index.js';
import { MemoryPool, type PoolOptions } from './memory-pool.js';

export interface PoolsOptions {
  /** Ids of the pools that users make. */
  readonly ids: () => Pick<CUidAllocator, 'nextMUid'>;
  readonly scheduler: Scheduler;
  readonly log: Logger;
  /** Default: shared with other processes where this machine can; private where time is virtual. */
  readonly memory?: MemoryChoice;
}

/** The pools of one partition. A pool has no memory before its first block; what memory it can have is found out with the first pool. */
export class Pools {
  readonly #options: PoolsOptions;
  readonly #pools = new Map<MUid, MemoryPool>();
  #arenas: ArenaSource | undefined;

  constructor(options: PoolsOptions) {
    this.#options = options;
  }

  /** All pools that are open. */
  get all(): readonly MemoryPool[] {
    return [...this.#pools.values()];
  }

  /** The default pool of a node. */
  ofNode(node: number): MemoryPool {
    return this.#open(nodeDefaultMUid(node));
  }

  /** The pool of a node's logging. */
  ofLogging(node: number): MemoryPool {
    return this.#open(nodeLoggingMUid(node));
  }

  /**
   * A pool with an id of its own. Throws ConfigError for an option that is out of range, and ResourceError where shared memory is asked for and this
   * machine has none.
   */
  create(options: PoolOptions = {}): MemoryPool {
    return this.#open(this.#options.ids().nextMUid(), options);
  }

  /** Closes all pools. Idempotent. */
  close(): void {
    for (const pool of this.#pools.values()) pool.close();
    this.#pools.clear();
  }

  #open(mUid: MUid, options: PoolOptions = {}): MemoryPool {
    const known = this.#pools.get(mUid);
    if (known !== undefined) return known;
    const { scheduler, log, memory = scheduler.isVirtual ? 'private' : 'auto' } = this.#options;
    this.#arenas ??= openArenas(memory);
    const closed = (): void => void this.#pools.delete(mUid);
    const pool = new MemoryPool({ mUid, arenas: this.#arenas, scheduler, log, closed }, options);
    this.#pools.set(mUid, pool);
    return pool;
  }
}
