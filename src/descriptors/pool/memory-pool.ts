import { ConfigError, ConsumedError, ResourceError, StoppedError } from '../../errors.js';
import { shownValue } from '../../foreign.js';
import { describeId, type MUid } from '../../ids/index.js';
import { limits } from '../../limits.js';
import type { Logger } from '../../logging/index.js';
import { accepted, type AcceptedOptions, checkOptions } from '../../options/index.js';
import type { v1 } from '../../protocol/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import { type ArenaSource, type MemoryKind, PAGE_BYTES } from '../memory/index.js';
import type { Block } from './block.js';
import { type BlockHolder, Holders } from './holders.js';
import { type Origin, Origins } from './origins.js';
import { registerArena } from './pool-of.js';
import type { Place } from './segment.js';
import { Segments } from './segments.js';
import { type Waiter, WaitQueue } from './wait-queue.js';

/** Pages of an arena are numbered with 31 bits. */
const LARGEST_BYTES = 2 ** 31 * PAGE_BYTES;

/** A byte that is neither text nor a small number. */
const POISON = 0xdb;

/** What a pool may be told. */
export interface PoolOptions {
  /** For errors and logs. Default: the text of its id. */
  readonly name?: string;
  /** Bytes of memory that the pool may have. Default `limits.poolBytes`. */
  readonly limitBytes?: number;
  /** Bytes of one arena. Blocks of more than half of it have memory of their own. Default `limits.arenaBytes`. */
  readonly arenaBytes?: number;
  /** Time that `allocate` waits, in ms. Default `limits.allocateTimeoutMs`. */
  readonly timeoutMs?: number;
  /** Fills blocks with 0xdb when they are freed, to find views that are kept too long: for tests. Default false. */
  readonly poison?: boolean;
}

/** What a pool is made of. */
export interface PoolParts {
  readonly mUid: MUid;
  readonly arenas: ArenaSource;
  readonly scheduler: Scheduler;
  readonly log: Logger;
  /** Called once, when the pool is closed. */
  readonly closed?: () => void;
}

export interface AllocateOptions {
  /** Time to wait for memory, in ms. Default: that of the pool. */
  readonly timeoutMs?: number;
  /** Ends the wait: `allocate` rejects with the reason of the signal. */
  readonly signal?: AbortSignal;
  /** Says who holds the block, in errors, statistics and logs. Default: the line of the program that calls `allocate`. */
  readonly origin?: string;
}

const NO_OPTIONS: AllocateOptions = {};

const ALLOCATE_OPTIONS: AcceptedOptions = {
  timeoutMs: accepted.milliseconds,
  signal: accepted.signal,
  origin: accepted.text,
};

export interface PoolStatistics {
  readonly limitBytes: number;
  /** Memory that the pool has from the machine. */
  readonly reservedBytes: number;
  /** Bytes of the blocks in use, as they were asked for. */
  readonly usedBytes: number;
  /** Reserved bytes that no block has. */
  readonly freeBytes: number;
  /** The largest block that fits into the reserved memory now. */
  readonly largestFreeBytes: number;
  readonly arenas: number;
  /** Blocks in use. */
  readonly blocks: number;
  /** Calls of `allocate` that wait now. */
  readonly waiting: number;
  /** Calls of `allocate` that had to wait. */
  readonly waits: number;
  /** Blocks that were lost without `dispose`. */
  readonly leaks: number;
  /** Bytes that were copied into or out of this pool. */
  readonly bytesCopied: number;
}

/**
 * Memory for large values, in blocks. It is reserved in arenas when it is needed, used again when blocks are disposed, and bounded. At the bound
 * `allocate` waits, first come first served.
 *
 *     using block = await pool.allocate(1_000_000);
 *     block.bytes.fill(7);
 */
export class MemoryPool {
  readonly mUid: MUid;
  readonly name: string;
  /** Whether other processes of this host can map its memory, and if not, why. */
  readonly memory: MemoryKind;
  readonly #timeoutMs: number;
  readonly #closed: (() => void) | undefined;
  readonly #isPoisoned: boolean;
  readonly #segments: Segments;
  readonly #holders: Holders;
  readonly #origins: Origins;
  readonly #waiting: WaitQueue<Place>;
  #isGrowing = false;
  #isClosed = false;
  #waits = 0;
  #bytesCopied = 0;

  /** Reserves nothing. Throws ConfigError for an option that is out of range. */
  constructor({ mUid, arenas, scheduler, log, closed }: PoolParts, options: PoolOptions = {}) {
    const { limitBytes = limits.poolBytes, arenaBytes = limits.arenaBytes } = options;
    const { name = describeId('pool', mUid), timeoutMs = limits.allocateTimeoutMs } = options;
    if (typeof name !== 'string') throw new ConfigError(`The name of a pool is ${shownValue(name)}: give a text.`);
    this.mUid = mUid;
    this.#closed = closed;
    this.#isPoisoned = options.poison === true;
    this.name = name;
    this.memory = arenas.memory;
    this.#timeoutMs = time('timeoutMs', timeoutMs);
    this.#segments = new Segments(arenas, wholePages('arenaBytes', arenaBytes), wholePages('limitBytes', limitBytes));
    const now = (): number => scheduler.now();
    this.#origins = new Origins(now);
    this.#holders = new Holders(now, log.child({ pool: name }), (place) => this.#freed(place));
    this.#waiting = new WaitQueue(scheduler, () => this.#serve());
  }

  get statistics(): PoolStatistics {
    return {
      limitBytes: this.#segments.limitBytes,
      reservedBytes: this.#segments.reservedBytes,
      usedBytes: this.#holders.sizeBytes,
      freeBytes: this.#segments.freeBytes,
      largestFreeBytes: this.#segments.largestFreeBytes,
      arenas: this.#segments.count,
      blocks: this.#holders.blocks,
      waiting: this.#waiting.size,
      waits: this.#waits,
      leaks: this.#holders.leaks,
      bytesCopied: this.#bytesCopied,
    };
  }

  /** Its statistics, for a description of its partition. */
  describe(): v1.PoolDescriptionInit {
    const memory = this.memory.kind === 'shared' ? 'shared' : `private: ${this.memory.reason}`;
    return { mUid: this.mUid, name: this.name, memory, ...this.statistics };
  }

  /** Bytes that no block has, as far as the limit of the pool goes. */
  get freeBytes(): number {
    return Math.max(0, this.#segments.limitBytes - this.#holders.sizeBytes);
  }

  /** Who holds blocks, those with most bytes first. */
  get holders(): readonly BlockHolder[] {
    return this.#holders.list();
  }

  /**
   * A block of `sizeBytes`, which is not cleared. Waits while the pool has no room for it, behind the calls that came before.
   *
   * @throws ConfigError, for an option that is unknown or wrong, and for a size that is no whole number from 0.
   * @throws ResourceError, when the block is larger than the limit of the pool, when the machine has too little memory, and after the
   * wait, with the holders of blocks.
   * @throws BackpressureError, when `limits.poolWaiters` calls wait.
   * @throws StoppedError, when the pool is closed.
   */
  async allocate(sizeBytes: number, options: AllocateOptions = NO_OPTIONS): Promise<Block> {
    if (options !== NO_OPTIONS) checkOptions('allocate', options, ALLOCATE_OPTIONS);
    const { timeoutMs = this.#timeoutMs, signal, origin = this.#origins.next() } = options;
    const waitMs = time('timeoutMs', timeoutMs);
    signal?.throwIfAborted();
    this.#assertOpen();
    const pages = this.#pagesOf(sizeBytes);
    const place = this.#takeNow(pages) ?? (await this.#takeLater(pages, sizeBytes, waitMs, signal));
    this.#assertOpen();
    return this.#open(place, sizeBytes, origin);
  }

  /**
   * As `allocate`, from memory that the pool has reserved. Undefined where it has none, or others wait for it. Throws ResourceError for a block
   * that is larger than the limit of the pool, and StoppedError when the pool is closed.
   */
  allocateNow(sizeBytes: number, origin: Origin = this.#origins.next()): Block | undefined {
    this.#assertOpen();
    const place = this.#takeNow(this.#pagesOf(sizeBytes));
    return place === undefined ? undefined : this.#open(place, sizeBytes, origin);
  }

  /**
   * A new handle of the block that `bytes` lie in; undefined for bytes of other memory, and for an empty view. Throws ConsumedError for bytes
   * of a block that was disposed, and ConfigError for bytes that are more than one block.
   */
  blockOf(bytes: ArrayBufferView): Block | undefined {
    // An empty view at the end of a block has the offset of the next block.
    if (bytes.byteLength === 0) return undefined;
    const { segment, place } = this.#segments.find(bytes.buffer, bytes.byteOffset);
    if (segment === undefined) return undefined;
    const block = place && this.#holders.share(place);
    if (block !== undefined) return this.#within(block, bytes);
    throw new ConsumedError(
      `${bytes.byteLength} bytes lie in a block of the pool "${this.name}" that was disposed. Use them before, or keep a handle: block.share().`,
    );
  }

  /** Changes the limit. Blocks in use stay; memory past the limit goes back as they are disposed. Throws ConfigError as the constructor does. */
  resize(limitBytes: number): void {
    this.#segments.setLimit(wholePages('limitBytes', limitBytes));
    this.#waiting.rejectWhere(({ pages }) =>
      pages * PAGE_BYTES > this.#segments.limitBytes ? this.#tooLarge(pages * PAGE_BYTES) : undefined,
    );
    this.#serve();
  }

  /** Gives memory without blocks back to the machine. */
  trim(): void {
    this.#segments.trim(0);
  }

  /** Counts a copy of so many bytes into or out of this pool. */
  countCopy(sizeBytes: number): void {
    this.#bytesCopied += sizeBytes;
  }

  /** Gives all memory back. Views of it read as zeros from now on. Calls that wait fail with StoppedError. Idempotent. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#segments.close();
    this.#waiting.rejectWhere(() => this.#stopped());
    this.#closed?.();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** A view of more than the block would be a view of values of others. */
  #within(block: Block, { byteOffset, byteLength }: ArrayBufferView): Block {
    const { offset, sizeBytes } = block.location;
    if (byteOffset + byteLength <= offset + sizeBytes) return block;
    block.dispose();
    throw new ConfigError(
      `${byteLength} bytes reach past their block of ${sizeBytes} bytes in the pool "${this.name}". Use block.bytes, and not its buffer.`,
    );
  }

  #takeNow(pages: number): Place | undefined {
    return this.#waiting.size === 0 ? this.#segments.take(pages) : undefined;
  }

  #takeLater(pages: number, sizeBytes: number, timeoutMs: number, signal: AbortSignal | undefined): Promise<Place> {
    this.#waits += 1;
    const expired = (): Error => this.#exhausted(sizeBytes, timeoutMs);
    const wait = this.#waiting.wait(pages, { timeoutMs, signal, expired });
    this.#serve();
    return wait;
  }

  /** Gives memory to those who wait, in order, and reserves more for the first that finds none. */
  #serve(): void {
    for (let first = this.#waiting.first; first !== undefined; first = this.#waiting.first) {
      const place = this.#segments.take(first.pages);
      if (place === undefined) {
        if (!this.#isGrowing) void this.#growFor(first);
        return;
      }
      this.#waiting.remove(first);
      first.resolve(place);
    }
  }

  async #growFor(waiter: Waiter<Place>): Promise<void> {
    const plan = this.#segments.plan(waiter.pages);
    if (plan === undefined) return;
    this.#isGrowing = true;
    try {
      const arena = await this.#segments.grow(plan);
      if (arena !== undefined) registerArena(arena.buffer, this);
    } catch (error) {
      if (this.#waiting.remove(waiter)) waiter.reject(error);
    }
    this.#isGrowing = false;
    this.#serve();
    this.#segments.trim();
  }

  #open(place: Place, sizeBytes: number, origin: Origin): Block {
    const { segment, firstPage } = place;
    const location = { arena: segment.arena.id, offset: firstPage * PAGE_BYTES, sizeBytes };
    return this.#holders.open(place, location, origin);
  }

  #freed(place: Place): void {
    if (this.#isPoisoned && !this.#isClosed) place.segment.fill(place, POISON);
    this.#segments.free(place);
    this.#serve();
  }

  #pagesOf(sizeBytes: number): number {
    if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0) {
      throw new ConfigError(
        `A block of ${shownValue(sizeBytes)} bytes cannot be allocated: give a whole number from 0.`,
      );
    }
    if (sizeBytes > this.#segments.limitBytes) throw this.#tooLarge(sizeBytes);
    return Math.max(1, Math.ceil(sizeBytes / PAGE_BYTES));
  }

  #assertOpen(): void {
    if (this.#isClosed) throw this.#stopped();
  }

  #stopped(): StoppedError {
    return new StoppedError(`The pool "${this.name}" is closed.`);
  }

  #tooLarge(sizeBytes: number): ResourceError {
    return new ResourceError(
      `A block of ${sizeBytes} bytes does not fit into the pool "${this.name}", which is limited to ${this.#segments.limitBytes} bytes. Raise limitBytes.`,
    );
  }

  #exhausted(sizeBytes: number, timeoutMs: number): ResourceError {
    return new ResourceError(
      `The pool "${this.name}" had no room for ${sizeBytes} bytes within ${timeoutMs} ms. Its limit is ${this.#segments.limitBytes} bytes; ` +
        `${this.#holders.describe()}. Dispose blocks earlier, or raise limitBytes.`,
    );
  }
}

/** Rounds down to pages. */
function wholePages(name: string, bytes: number): number {
  if (Number.isSafeInteger(bytes) && bytes >= PAGE_BYTES && bytes <= LARGEST_BYTES) return bytes - (bytes % PAGE_BYTES);
  throw new ConfigError(
    `The option ${name} of a pool is ${shownValue(bytes)}: give a whole number of bytes from ${PAGE_BYTES} to ${LARGEST_BYTES}.`,
  );
}

function time(name: string, ms: number): number {
  if (Number.isFinite(ms) && ms >= 0) return ms;
  throw new ConfigError(`The option ${name} of a pool is ${shownValue(ms)}: give a time in ms, 0 or more.`);
}
