import type { Lane } from '../../protocol/index.js';
import type { BufferPool } from '../buffer-pool.js';
import type { FrameStore } from '../outgoing-lane.js';
import { FrameKind, HEADER_BYTES, PAYLOAD_BYTES, writeHeader } from './frame-format.js';

/** Ordinary frames of the largest size that fit into a slab. */
const FRAMES_A_SLAB = 4;
const SLAB_BYTES = FRAMES_A_SLAB * (HEADER_BYTES + PAYLOAD_BYTES);

/** Bytes that must be written together, and the callback for when the socket has written them. */
export interface QueuedWrite {
  readonly head?: Uint8Array;
  readonly bytes: Uint8Array;
  readonly written: () => void;
}

/** Memory for consecutive frames. Regions of it are written to the socket. */
interface Slab {
  readonly bytes: Uint8Array;
  /** Start and end of the frames that were not given to the socket yet. */
  start: number;
  end: number;
  /** Regions that the socket has but has not written yet. */
  regions: number;
  isAbandoned: boolean;
}

const nothing = (): void => {};

/**
 * The frames of a lane in slabs, larger ones in buffers of their own, and the writes that wait for the socket.
 *
 *     slab:  | given to the socket | header frame header frame | lent buffer ...
 *                                  start                       end
 */
export class FrameQueue implements FrameStore {
  readonly #lane: Lane;
  readonly #pool: BufferPool;
  readonly #queue: QueuedWrite[] = [];
  #slab: Slab | undefined;
  /** The lent buffer, if it is one of the pool rather than in the slab. */
  #large: Uint8Array | undefined;
  #isInSlab = false;
  #sequence = 0;

  constructor(lane: Lane, pool: BufferPool) {
    this.#lane = lane;
    this.#pool = pool;
  }

  lend(sizeBytes: number): Uint8Array {
    if (sizeBytes > PAYLOAD_BYTES) {
      this.#large = this.#pool.take(sizeBytes);
      return this.#large;
    }
    if (this.#slab !== undefined && this.#slab.end + HEADER_BYTES + sizeBytes > SLAB_BYTES) this.#retire(this.#slab);
    this.#slab ??= { bytes: this.#pool.take(SLAB_BYTES), start: 0, end: 0, regions: 0, isAbandoned: false };
    this.#isInSlab = true;
    const start = this.#slab.end + HEADER_BYTES;
    return this.#slab.bytes.subarray(start, start + sizeBytes);
  }

  /** The bytes wait for `flush`. */
  put(buffer: Uint8Array, length: number): void {
    const isLarge = buffer === this.#large;
    this.#large = undefined;
    this.#isInSlab = false;
    if (length > PAYLOAD_BYTES) this.#putInPieces(buffer, length);
    else if (isLarge) this.#putAlone(buffer, length);
    else this.#putInSlab(length);
  }

  drop(buffer: Uint8Array): void {
    if (buffer === this.#large) this.#pool.giveBack(buffer);
    this.#large = undefined;
    this.#isInSlab = false;
    this.#releaseIdleSlab();
  }

  /** Asks the receiver for credit, after all frames put so far. */
  requestCredit(): void {
    this.flush();
    const request = new Uint8Array(HEADER_BYTES);
    writeHeader(request, 0, 0, FrameKind.creditRequest, this.#lane, this.#nextSequence());
    this.#queue.push({ bytes: request, written: nothing });
  }

  /** Makes the frames put so far available to `next`. */
  flush(): void {
    const slab = this.#slab;
    if (slab === undefined || slab.start === slab.end) return;
    const bytes = slab.bytes.subarray(slab.start, slab.end);
    slab.start = slab.end;
    slab.regions += 1;
    this.#queue.push({ bytes, written: () => this.#written(slab) });
  }

  next(): QueuedWrite | undefined {
    return this.#queue.shift();
  }

  /** Drops the frames that `next` has not taken. */
  discard(): void {
    for (const { written } of this.#queue.splice(0)) written();
    // The owner of a lent buffer may write into it at any time.
    if (this.#large !== undefined) this.#pool.abandon();
    this.#large = undefined;
    const slab = this.#slab;
    if (slab === undefined) return;
    slab.end = slab.start;
    if (this.#isInSlab) this.#abandon(slab);
    else if (slab.regions === 0) this.#giveBack(slab);
    this.#slab = undefined;
  }

  #putInSlab(length: number): void {
    const slab = this.#slab;
    if (slab === undefined) return;
    writeHeader(slab.bytes, slab.end, length, FrameKind.whole, this.#lane, this.#nextSequence());
    slab.end += HEADER_BYTES + length;
  }

  #putAlone(buffer: Uint8Array, length: number): void {
    this.flush();
    const head = new Uint8Array(HEADER_BYTES);
    writeHeader(head, 0, length, FrameKind.whole, this.#lane, this.#nextSequence());
    this.#queue.push({ head, bytes: buffer.subarray(0, length), written: () => this.#pool.giveBack(buffer) });
  }

  #putInPieces(buffer: Uint8Array, length: number): void {
    this.flush();
    const announcement = new Uint8Array(HEADER_BYTES + 4);
    writeHeader(announcement, 0, 4, FrameKind.large, this.#lane, this.#nextSequence());
    new DataView(announcement.buffer).setUint32(HEADER_BYTES, length, true);
    this.#queue.push({ bytes: announcement, written: nothing });
    const free = (): void => this.#pool.giveBack(buffer);
    for (let start = 0; start < length; start += PAYLOAD_BYTES) {
      const bytes = buffer.subarray(start, Math.min(length, start + PAYLOAD_BYTES));
      const head = new Uint8Array(HEADER_BYTES);
      writeHeader(head, 0, bytes.length, FrameKind.piece, this.#lane, this.#nextSequence());
      this.#queue.push({ head, bytes, written: start + PAYLOAD_BYTES < length ? nothing : free });
    }
  }

  #nextSequence(): number {
    const sequence = this.#sequence;
    this.#sequence = (sequence + 1) & 0xffff;
    return sequence;
  }

  #written(slab: Slab): void {
    slab.regions -= 1;
    if (slab === this.#slab) this.#releaseIdleSlab();
    else if (slab.regions === 0) this.#giveBack(slab);
  }

  /** The slab is full. It returns to the pool when the socket has written all of it. */
  #retire(slab: Slab): void {
    this.flush();
    this.#slab = undefined;
    if (slab.regions === 0) this.#giveBack(slab);
  }

  /** Returns the slab if the lane has no frames in it: an idle lane holds none. */
  #releaseIdleSlab(): void {
    const slab = this.#slab;
    if (slab === undefined || slab.regions > 0 || slab.start !== slab.end || this.#isInSlab) return;
    this.#slab = undefined;
    this.#giveBack(slab);
  }

  #abandon(slab: Slab): void {
    slab.isAbandoned = true;
    this.#pool.abandon();
  }

  #giveBack(slab: Slab): void {
    if (!slab.isAbandoned) this.#pool.giveBack(slab.bytes);
  }
}
