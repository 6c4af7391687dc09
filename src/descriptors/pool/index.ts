/**
 * Pools of memory for large values. Partitions and programs allocate blocks here; storage of encoded values is made of them. It must never know
 * what a block contains, nor who else maps it.
 */
export { type ArenaPlace, Block, type BlockLocation, type HandleUse } from './block.js';
export type { BlockHolder } from './holders.js';
export {
  type AllocateOptions,
  MemoryPool,
  type PoolOptions,
  type PoolParts,
  type PoolStatistics,
} from './memory-pool.js';
export { Pools, type PoolsOptions } from './pools.js';
export { blockOf } from './pool-of.js';
