import type { Lane } from '../../protocol/index.js';
import type { BufferPool } from '../buffer-pool.js';
import type { FrameStore } from '../outgoing-lane.js';
import { HEADER_BYTES, SLAB_BYTES, SLAB_FRAME_BYTES } from './abi.js';
import type { RingEndpoint } from './ring-endpoint.js';

/** Space that a lent buffer occupies in the slab. */
const ROOM_BYTES = HEADER_BYTES + SLAB_FRAME_BYTES;
/** Frames start at multiples of this. So a frame never uses more of the slab than of the window. */
const GRAIN_BYTES = 32;

/**
 * The frames of a lane in the transmit slab of an endpoint, and larger ones in blocks of the pool. The slab is a ring of frames, each with
 * space for a header before it. Frames leave it in order. If the end of the slab has less space than a whole buffer, the next frame starts
 * at 0.
 *
 *     | free | header frame header frame | lent buffer ... | free |
 *            tail                        head
 */
export class TransmitSlab implements FrameStore {
  readonly #lane: Lane;
  readonly #endpoint: RingEndpoint;
  readonly #slab: Uint8Array;
  readonly #pool: BufferPool;
  /** Blocks that the rings are transmitting, in their order. */
  readonly #lent: Uint8Array[] = [];
  #head = 0;
  #tail = 0;
  #used = 0;

  constructor(lane: Lane, endpoint: RingEndpoint, pool: BufferPool) {
    this.#pool = pool;
    this.#lane = lane;
    this.#endpoint = endpoint;
    this.#slab = endpoint.transmit[lane];
  }

  get hasRoom(): boolean {
    return this.#used + this.#skip() + ROOM_BYTES <= SLAB_BYTES;
  }

  lend(sizeBytes: number): Uint8Array {
    return sizeBytes > SLAB_FRAME_BYTES ? this.#pool.take(sizeBytes) : this.#room();
  }

  put(buffer: Uint8Array, length: number): void {
    if (length > SLAB_FRAME_BYTES) {
      this.#lent.push(buffer);
      this.#endpoint.sendBlock(this.#lane, buffer, length);
      return;
    }
    if (buffer.length > SLAB_FRAME_BYTES) {
      // The frame is smaller than the caller asked for: it fits into the slab after all.
      this.#room().set(buffer.subarray(0, length));
      this.#pool.giveBack(buffer);
    }
    this.#endpoint.send(this.#lane, this.#head + HEADER_BYTES, length);
    const taken = strideOf(length);
    this.#head += taken;
    this.#used += taken;
  }

  drop(buffer: Uint8Array): void {
    if (buffer.length > SLAB_FRAME_BYTES) this.#pool.giveBack(buffer);
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

  /** The endpoint is closed. UCX may still read blocks that it was transmitting, so those are not reused. */
  abandon(): void {
    for (const _ of this.#lent.splice(0)) this.#pool.abandon();
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
}

function strideOf(length: number): number {
  return (HEADER_BYTES + length + GRAIN_BYTES - 1) & -GRAIN_BYTES;
}
