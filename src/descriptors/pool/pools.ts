import { type CUidAllocator, nodeDefaultMUid, nodeLoggingMUid, type MUid } from '../../ids/index.js';
import type { Logger } from '../../logging/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import { type ArenaSource, type MemoryChoice, openArenas } from '../memory/index.js';
import { MemoryPool, type PoolOptions } from './memory-pool.js';

export interface OpenPoolsOptions {
  /** Index of the node: the m_uids of its default and logging pools come from it. */
  readonly node: number;
  /** Ids of the pools that users make. */
  readonly ids: Pick<CUidAllocator, 'nextMUid'>;
  readonly scheduler: Scheduler;
  readonly log: Logger;
  /** Default `auto`: shared with other processes where this machine can. */
  readonly memory?: MemoryChoice;
}

/** The pools of one partition: a default one, one for logging, and those that users make. None has memory before its first block. */
export class Pools {
  readonly default: MemoryPool;
  readonly logging: MemoryPool;
  readonly #options: OpenPoolsOptions;
  readonly #arenas: ArenaSource;
  readonly #pools = new Set<MemoryPool>();

  /** Throws ResourceError where `memory` is `shared`, and this machine cannot share memory. */
  constructor(options: OpenPoolsOptions) {
    this.#options = options;
    this.#arenas = openArenas(options.memory);
    this.default = this.#open(nodeDefaultMUid(options.node), {});
    this.logging = this.#open(nodeLoggingMUid(options.node), {});
  }

  /** All pools that are open. */
  get all(): readonly MemoryPool[] {
    return [...this.#pools];
  }

  /** A pool with an id of its own. Throws ConfigError for an option that is out of range. */
  create(options: PoolOptions = {}): MemoryPool {
    return this.#open(this.#options.ids.nextMUid(), options);
  }

  /** Closes all pools. Idempotent. */
  close(): void {
    for (const pool of this.#pools) pool.close();
    this.#pools.clear();
  }

  #open(mUid: MUid, options: PoolOptions): MemoryPool {
    const { scheduler, log } = this.#options;
    const pool = new MemoryPool({ mUid, arenas: this.#arenas, scheduler, log }, options);
    this.#pools.add(pool);
    return pool;
  }
}
