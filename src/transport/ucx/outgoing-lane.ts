import { limits } from '../../limits.js';
import type { Lane } from '../../protocol/index.js';
import { BufferLease } from '../buffer-lease.js';
import { FRAME_COST_BYTES, HEADER_BYTES, SLAB_BYTES, SLAB_FRAME_BYTES } from './abi.js';
import type { BufferPool } from './buffer-pool.js';
import type { RingEndpoint } from './ring-endpoint.js';

/** Space that a lent buffer occupies in the slab. */
const ROOM_BYTES = HEADER_BYTES + SLAB_FRAME_BYTES;
/** Frames start at multiples of this. So a frame never uses more of the slab than of the window. */
const GRAIN_BYTES = 32;

/**
 * The sending end of a lane: credit, and memory to write frames into. The slab is a ring of frames, each with space for a header before
 * it. Frames leave it in order. If the end of the slab has less space than a whole buffer, the next frame starts at 0.
 *
 *     | free | header frame header frame | lent buffer ... | free |
 *            tail                        head
 */
export class OutgoingLane {
  readonly #lane: Lane;
  readonly #endpoint: RingEndpoint;
  readonly #lease: BufferLease;
  readonly #slab: Uint8Array;
  readonly #pool: BufferPool;
  readonly #lent: Uint8Array[] = [];
  #head = 0;
  #tail = 0;
  #used = 0;
  /** The cost of all frames sent; the rings count it modulo 2^32. */
  #sent = 0;
  /** What the peer has taken, when no more grants are read. */
  #takenAtEnd: number | undefined;
  #framesSent = 0;
  /** Size of the last buffer that was refused. */
  #refusedBytes: number | undefined;

  constructor(lane: Lane, endpoint: RingEndpoint, pool: BufferPool, peerAddress: () => string) {
    this.#pool = pool;
    this.#lane = lane;
    this.#endpoint = endpoint;
    this.#lease = new BufferLease(peerAddress);
    this.#slab = endpoint.transmit[lane];
  }

  /** Frames sent since the link opened. */
  get framesSent(): number {
    return this.#framesSent;
  }

  /**
   * A buffer was refused, and at least half of the window is now free. Reporting every small grant would make both ends wake each other
   * for every frame.
   */
  get isWritableAgain(): boolean {
    if (this.#refusedBytes === undefined || this.#inFlight() * 2 > limits.linkWindowBytes) return false;
    return this.#isFree(this.#refusedBytes);
  }

  /** `writable` was called. */
  writableReported(): void {
    this.#refusedBytes = undefined;
  }

  /** See Link.acquire. */
  acquire(sizeBytes: number): Uint8Array | undefined {
    this.#lease.check(sizeBytes);
    const capacity = Math.max(sizeBytes, limits.frameBytes);
    const isFree = this.#isFree(capacity);
    this.#refusedBytes = isFree ? undefined : capacity;
    if (!isFree) return undefined;
    return this.#lease.begin(capacity > SLAB_FRAME_BYTES ? this.#pool.take(capacity) : this.#room());
  }

  /** See Link.send. Drops the frame unless the link `isOpen`. */
  send(buffer: Uint8Array, length: number, isOpen: boolean): number {
    this.#lease.end(buffer, length);
    if (!isOpen) return Number.POSITIVE_INFINITY;
    this.#sent += length + FRAME_COST_BYTES;
    this.#framesSent += 1;
    if (length > SLAB_FRAME_BYTES) this.#sendBlock(buffer, length);
    else this.#sendInSlab(buffer, length);
    return this.#sent;
  }

  /** See Link.taken. */
  get taken(): number {
    return this.#takenAtEnd ?? this.#sent - this.#inFlight();
  }

  /**
   * No grants are read any more: the peer has closed, and has `taken` so much; or the link is released, and the memory of the rings,
   * where the grants are, must not be read.
   */
  end(taken = 0): void {
    this.#takenAtEnd ??= Math.max(this.taken, Math.min(taken, this.#sent));
  }

  /** The oldest frame was transmitted. Frees its memory. */
  wasSent(length: number): void {
    if (length > SLAB_FRAME_BYTES) {
      const block = this.#lent.shift();
      if (block !== undefined) this.#pool.giveBack(block);
      return;
    }
    if (this.#tail + ROOM_BYTES > SLAB_BYTES) {
      this.#used -= SLAB_BYTES - this.#tail;
      this.#tail = 0;
    }
    const taken = strideOf(length);
    this.#tail += taken;
    this.#used -= taken;
  }

  /** A frame larger than the window has credit when nothing else is in flight. The slab must have space too. */
  #isFree(sizeBytes: number): boolean {
    const inFlight = this.#inFlight();
    const hasCredit = inFlight === 0 || inFlight + sizeBytes + FRAME_COST_BYTES <= limits.linkWindowBytes;
    return hasCredit && this.#used + this.#skip() + ROOM_BYTES <= SLAB_BYTES;
  }

  /** The cost of the frames for which the peer has not granted credit yet. */
  #inFlight(): number {
    return ((this.#sent >>> 0) - this.#endpoint.peerGranted(this.#lane)) >>> 0;
  }

  /** Bytes at the end of the slab to skip, because they do not hold a whole buffer. */
  #skip(): number {
    return this.#head + ROOM_BYTES > SLAB_BYTES ? SLAB_BYTES - this.#head : 0;
  }

  #room(): Uint8Array {
    if (this.#used === 0) this.#head = this.#tail = 0;
    const skip = this.#skip();
    if (skip > 0) {
      this.#used += skip;
      this.#head = 0;
    }
    const start = this.#head + HEADER_BYTES;
    return this.#slab.subarray(start, start + SLAB_FRAME_BYTES);
  }

  #sendInSlab(buffer: Uint8Array, length: number): void {
    // The frame is smaller than the caller asked for: it fits into the slab after all.
    if (buffer.length > SLAB_FRAME_BYTES) this.#room().set(buffer.subarray(0, length));
    this.#endpoint.send(this.#lane, this.#head + HEADER_BYTES, length);
    const taken = strideOf(length);
    this.#head += taken;
    this.#used += taken;
  }

  #sendBlock(block: Uint8Array, length: number): void {
    this.#lent.push(block);
    this.#endpoint.sendBlock(this.#lane, block, length);
  }
}

function strideOf(length: number): number {
  return (HEADER_BYTES + length + GRAIN_BYTES - 1) & -GRAIN_BYTES;
}
