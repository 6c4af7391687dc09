import { limits } from '../../limits.js';
import type { Lane } from '../../protocol/index.js';
import { TransmitLoan } from '../transmit-loan.js';
import { FRAME_COST_BYTES, HEADER_BYTES, SLAB_BYTES, SLAB_FRAME_BYTES } from './abi.js';
import type { Blocks } from './blocks.js';
import type { Seat } from './seat.js';

/** What a buffer takes of the slab while it is out. */
const ROOM_BYTES = HEADER_BYTES + SLAB_FRAME_BYTES;
/** Frames begin at multiples of this, so that a frame never takes more of the slab than of the window. */
const GRAIN_BYTES = 32;

/**
 * The sender's side of a lane: credit, and room to write frames into. Frames lie in the slab one behind the other, each with room for
 * a header before it, and leave it in the same order; where less than a whole buffer is left at the end, the next begins at 0.
 *
 *     | free | header frame header frame | buffer that is out ... | free |
 *            tail                        head
 */
export class OutgoingLane {
  readonly #lane: Lane;
  readonly #seat: Seat;
  readonly #loan: TransmitLoan;
  readonly #slab: Uint8Array;
  readonly #blocks: Blocks;
  readonly #lent: Uint8Array[] = [];
  #head = 0;
  #tail = 0;
  #used = 0;
  /** Cost of all frames sent, modulo 2^32. */
  #sent = 0;
  #framesSent = 0;
  /** Size of the buffer that was refused. */
  #refusedBytes: number | undefined;

  constructor(lane: Lane, seat: Seat, blocks: Blocks, peerAddress: () => string) {
    this.#blocks = blocks;
    this.#lane = lane;
    this.#seat = seat;
    this.#loan = new TransmitLoan(peerAddress);
    this.#slab = seat.transmit[lane];
  }

  /** Frames sent since the link opened. */
  get framesSent(): number {
    return this.#framesSent;
  }

  /**
   * A buffer was refused, and would not be now, nor would those behind it: who writes little at a time whenever a little is read
   * makes both ends wake for each other all the time.
   */
  get owesCredit(): boolean {
    if (this.#refusedBytes === undefined || this.#inFlight() * 2 > limits.linkWindowBytes) return false;
    return this.#isFree(this.#refusedBytes);
  }

  /** Its owner is told of the credit. */
  settleCredit(): void {
    this.#refusedBytes = undefined;
  }

  /** As Link.acquire. */
  acquire(sizeBytes: number): Uint8Array | undefined {
    this.#loan.check(sizeBytes);
    const capacity = Math.max(sizeBytes, limits.frameBytes);
    const isFree = this.#isFree(capacity);
    this.#refusedBytes = isFree ? undefined : capacity;
    if (!isFree) return undefined;
    return this.#loan.begin(capacity > SLAB_FRAME_BYTES ? this.#blocks.take(capacity) : this.#room());
  }

  /** As Link.send; dropped unless the link `isOpen`. */
  send(buffer: Uint8Array, length: number, isOpen: boolean): void {
    this.#loan.end(buffer, length);
    if (!isOpen) return;
    this.#sent = (this.#sent + length + FRAME_COST_BYTES) >>> 0;
    this.#framesSent += 1;
    if (length > SLAB_FRAME_BYTES) this.#sendBlock(buffer, length);
    else this.#sendInSlab(buffer, length);
  }

  /** The oldest frame is out, and its memory free. */
  wasSent(length: number): void {
    if (length > SLAB_FRAME_BYTES) {
      const block = this.#lent.shift();
      if (block !== undefined) this.#blocks.giveBack(block);
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

  /** A frame larger than the window has credit when it is alone. Where credit is, room is too, or will be when frames are out. */
  #isFree(sizeBytes: number): boolean {
    const inFlight = this.#inFlight();
    const hasCredit = inFlight === 0 || inFlight + sizeBytes + FRAME_COST_BYTES <= limits.linkWindowBytes;
    return hasCredit && this.#used + this.#skip() + ROOM_BYTES <= SLAB_BYTES;
  }

  /** Cost of the frames that the peer has not read, as far as is known here. */
  #inFlight(): number {
    return (this.#sent - this.#seat.peerGranted(this.#lane)) >>> 0;
  }

  /** Bytes at the end of the slab that hold no whole buffer. */
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
    // It was to be larger than it is.
    if (buffer.length > SLAB_FRAME_BYTES) this.#room().set(buffer.subarray(0, length));
    this.#seat.send(this.#lane, this.#head + HEADER_BYTES, length);
    const taken = strideOf(length);
    this.#head += taken;
    this.#used += taken;
  }

  #sendBlock(block: Uint8Array, length: number): void {
    this.#lent.push(block);
    this.#seat.sendBlock(this.#lane, block, length);
  }
}

function strideOf(length: number): number {
  return (HEADER_BYTES + length + GRAIN_BYTES - 1) & -GRAIN_BYTES;
}
