import { ConsumedError } from '../../errors.js';
import type { Arena } from '../memory/index.js';

/** Where a block lies among the arenas of its owner. It is never an address. */
export interface BlockLocation {
  /** Id of the arena. */
  readonly arena: number;
  /** Bytes from the begin of the arena. */
  readonly offset: number;
  readonly sizeBytes: number;
}

/** An arena without its memory. */
export type ArenaPlace = Pick<Arena, 'id' | 'sizeBytes' | 'file' | 'closed'>;

/** `watched`: a handle that is lost without `dispose` is logged. `kept`: by a table, from which it cannot be lost. */
export type HandleUse = 'watched' | 'kept';

/** The memory behind the handles of one block. */
export interface BlockMemory {
  readonly location: BlockLocation;
  readonly arena: Arena;
  /** Makes one more handle. Nobody is told when one is lost that is `kept`. */
  open(use: HandleUse): Block;
  /** One handle has been disposed. The last one frees the memory. */
  close(handle: Block): void;
}

/**
 * A handle of memory in a pool. It moves and is never copied: whoever has it last disposes it. The memory is free when all its handles are disposed.
 * A view that is kept longer shows what the memory is used for next.
 *
 *     using block = await pool.allocate(1_000_000);
 *     block.bytes.fill(7);
 */
export class Block implements Disposable {
  readonly sizeBytes: number;
  #memory: BlockMemory | undefined;

  /** Pools make blocks: see `MemoryPool.allocate`. */
  constructor(memory: BlockMemory) {
    this.#memory = memory;
    this.sizeBytes = memory.location.sizeBytes;
  }

  get isDisposed(): boolean {
    return this.#memory === undefined;
  }

  /** A writable view. A new block is not cleared. Throws ConsumedError after `dispose` and `move`. */
  get bytes(): Uint8Array {
    const { arena, location } = this.#required();
    return new Uint8Array(arena.buffer, location.offset, location.sizeBytes);
  }

  /** Throws ConsumedError after `dispose` and `move`. */
  get location(): BlockLocation {
    return this.#required().location;
  }

  /** What another process needs to map the arena that this block lies in. Throws ConsumedError after `dispose` and `move`. */
  get arena(): ArenaPlace {
    return this.#required().arena;
  }

  /** One more handle of the same memory. Throws ConsumedError after `dispose` and `move`. */
  share(use: HandleUse = 'watched'): Block {
    return this.#required().open(use);
  }

  /** Hands the memory over to a new handle; this one is empty from now on. Throws ConsumedError after `dispose` and `move`. */
  move(): Block {
    const moved = this.share();
    this.dispose();
    return moved;
  }

  /** Gives the memory back. Does nothing the second time. */
  dispose(): void {
    const memory = this.#memory;
    this.#memory = undefined;
    memory?.close(this);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #required(): BlockMemory {
    if (this.#memory !== undefined) return this.#memory;
    throw new ConsumedError(
      `A block of ${this.sizeBytes} bytes was used after it was disposed or moved. Use it before, or keep a handle: block.share().`,
    );
  }
}
