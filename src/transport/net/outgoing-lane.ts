import { ProtocolError } from '../../errors.js';
import { limits } from '../../limits.js';
import type { Lane } from '../../protocol/index.js';
import { BufferLease } from '../buffer-lease.js';
import { FRAME_COST_BYTES, FrameKind, HEADER_BYTES, PAYLOAD_BYTES, writeHeader } from './frame-format.js';
import { SLAB_BYTES, type Slab, type Slabs } from './slabs.js';

/** Bytes that must be written together, and the callback for when the socket has written them. */
export interface QueuedWrite {
  readonly head?: Uint8Array;
  readonly bytes: Uint8Array;
  readonly written: () => void;
}

const nothing = (): void => {};

/**
 * The sending end of a lane: memory to write frames into, credit, and the writes that wait for the socket.
 *
 *     slab:  | given to the socket | header frame header frame | lent buffer ...
 *                                  start                       end
 */
export class OutgoingLane {
  readonly #lane: Lane;
  readonly #lease: BufferLease;
  readonly #slabs: Slabs;
  readonly #queue: QueuedWrite[] = [];
  #slab: Slab | undefined;
  /** The lent buffer is not in the slab, because it is larger than a slab frame. */
  #isLarge = false;
  #sequence = 0;
  /** The cost of all frames sent, and of those that the receiver has granted. */
  #sent = 0;
  #granted = 0;
  /** Size of the last buffer that was refused for lack of credit. */
  #refusedBytes: number | undefined;
  /** `#sent` at the last credit request. */
  #requestedAt = -1;

  constructor(lane: Lane, peerAddress: string, slabs: Slabs) {
    this.#lane = lane;
    this.#lease = new BufferLease(() => peerAddress);
    this.#slabs = slabs;
  }

  /** A buffer was refused, and credit now suffices for it. */
  get isWritableAgain(): boolean {
    return this.#refusedBytes !== undefined && this.#hasCredit(this.#refusedBytes);
  }

  /** `writable` was called. */
  writableReported(): void {
    this.#refusedBytes = undefined;
  }

  /** See Link.acquire. */
  acquire(sizeBytes: number): Uint8Array | undefined {
    this.#lease.check(sizeBytes);
    const capacity = Math.max(sizeBytes, PAYLOAD_BYTES);
    const hasCredit = this.#hasCredit(capacity);
    this.#refusedBytes = hasCredit ? undefined : capacity;
    if (hasCredit) return this.#lease.begin(this.#room(capacity));
    this.#requestCredit();
    return undefined;
  }

  /** See Link.taken. */
  get taken(): number {
    return this.#granted;
  }

  /** See Link.send. The bytes wait for `flush` if the link `isOpen`, and are dropped otherwise. */
  send(buffer: Uint8Array, length: number, isOpen: boolean): number {
    this.#lease.end(buffer, length);
    if (!isOpen) {
      this.#releaseIdleSlab();
      return Number.POSITIVE_INFINITY;
    }
    this.#sent += length + FRAME_COST_BYTES;
    if (length > PAYLOAD_BYTES) this.#sendInPieces(buffer, length);
    else if (this.#isLarge) this.#sendAlone(buffer, length);
    else this.#sendInSlab(length);
    return this.#sent;
  }

  /** The receiver has read frames of this cost since the link opened. Throws ProtocolError for more than was sent. */
  grant(total: number): void {
    if (!(total <= this.#sent))
      throw new ProtocolError(`The peer granted credit for ${total} bytes; only ${this.#sent} were sent.`);
    this.#granted = Math.max(this.#granted, total);
  }

  /** Makes the frames sent so far available to `next`. */
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
    const slab = this.#slab;
    if (slab === undefined) return;
    slab.end = slab.start;
    if (this.#lease.isOut && !this.#isLarge) this.#slabs.abandon(slab);
    else if (slab.regions === 0) this.#slabs.giveBack(slab);
    this.#slab = undefined;
  }

  /** A frame larger than the window has credit when nothing else is in flight. */
  #hasCredit(sizeBytes: number): boolean {
    const inFlight = this.#sent - this.#granted;
    return inFlight === 0 || inFlight + sizeBytes + FRAME_COST_BYTES <= limits.linkWindowBytes;
  }

  #requestCredit(): void {
    if (this.#requestedAt === this.#sent) return;
    this.#requestedAt = this.#sent;
    this.flush();
    const want = new Uint8Array(HEADER_BYTES);
    writeHeader(want, 0, 0, FrameKind.creditRequest, this.#lane, this.#nextSequence());
    this.#queue.push({ bytes: want, written: nothing });
  }

  #room(capacity: number): Uint8Array {
    this.#isLarge = capacity > PAYLOAD_BYTES;
    if (this.#isLarge) return this.#slabs.takeLarge(capacity);
    if (this.#slab !== undefined && this.#slab.end + HEADER_BYTES + capacity > SLAB_BYTES) this.#retire(this.#slab);
    this.#slab ??= this.#slabs.take();
    const start = this.#slab.end + HEADER_BYTES;
    return this.#slab.bytes.subarray(start, start + capacity);
  }

  #sendInSlab(length: number): void {
    const slab = this.#slab;
    if (slab === undefined) return;
    writeHeader(slab.bytes, slab.end, length, FrameKind.whole, this.#lane, this.#nextSequence());
    slab.end += HEADER_BYTES + length;
  }

  #sendAlone(buffer: Uint8Array, length: number): void {
    this.flush();
    const head = new Uint8Array(HEADER_BYTES);
    writeHeader(head, 0, length, FrameKind.whole, this.#lane, this.#nextSequence());
    this.#queue.push({ head, bytes: buffer.subarray(0, length), written: () => this.#slabs.giveBackLarge(buffer) });
  }

  #sendInPieces(buffer: Uint8Array, length: number): void {
    this.flush();
    const announcement = new Uint8Array(HEADER_BYTES + 4);
    writeHeader(announcement, 0, 4, FrameKind.large, this.#lane, this.#nextSequence());
    new DataView(announcement.buffer).setUint32(HEADER_BYTES, length, true);
    this.#queue.push({ bytes: announcement, written: nothing });
    const free = (): void => this.#slabs.giveBackLarge(buffer);
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
    else if (slab.regions === 0) this.#slabs.giveBack(slab);
  }

  /** The slab is full. It returns to the pool when the socket has written all of it. */
  #retire(slab: Slab): void {
    this.flush();
    this.#slab = undefined;
    if (slab.regions === 0) this.#slabs.giveBack(slab);
  }

  /** Returns the slab if the lane has no frames in it: an idle lane holds none. */
  #releaseIdleSlab(): void {
    const slab = this.#slab;
    if (slab === undefined || slab.regions > 0 || slab.start !== slab.end) return;
    if (this.#lease.isOut && !this.#isLarge) return;
    this.#slab = undefined;
    this.#slabs.giveBack(slab);
  }
}
