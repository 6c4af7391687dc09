import type { Block } from './block.js';

/** What finds a block by bytes in it: see `MemoryPool.blockOf`. */
export interface BlockFinder {
  blockOf(bytes: ArrayBufferView): Block | undefined;
}

/** The pool of each arena of this thread. */
const pools = new WeakMap<ArrayBufferLike, BlockFinder>();

export function registerArena(buffer: ArrayBuffer, pool: BlockFinder): void {
  pools.set(buffer, pool);
}

/**
 * A new handle of the block that `bytes` lie in, of whatever pool; undefined for bytes of other memory, and for an empty view: it
 * is part of no block, and may begin where the next block does. Throws ConsumedError for bytes of a block that was disposed.
 */
export function blockOf(bytes: ArrayBufferView): Block | undefined {
  return pools.get(bytes.buffer)?.blockOf(bytes);
}
