import { ProtocolError } from '../../errors.js';
import { limits } from '../../limits.js';
import type { Lane } from '../../protocol/index.js';
import { TransmitLoan } from '../transmit-loan.js';
import { FRAME_COST_BYTES, FrameKind, HEADER_BYTES, PAYLOAD_BYTES, writeHeader } from './frame-format.js';
import { SLAB_BYTES, type Slab, type Slabs } from './slabs.js';

/** Bytes for the socket that must stay together, and what to do once it has written them. */
export interface Outgoing {
  readonly head?: Uint8Array;
  readonly bytes: Uint8Array;
  readonly written: () => void;
}

const nothing = (): void => {};

/**
 * The sender's side of a lane: room to write frames into, credit, and what waits for the socket.
 *
 *     slab:  | handed over | header frame header frame | room that is out ...
 *                          start                       end
 */
export class OutgoingLane {
  readonly #lane: Lane;
  readonly #loan: TransmitLoan;
  readonly #slabs: Slabs;
  readonly #queue: Outgoing[] = [];
  #slab: Slab | undefined;
  /** The buffer that is out is memory of its own, as large as its frame. */
  #isLarge = false;
  #sequence = 0;
  /** Cost of all frames sent, and of those that the receiver says it has read. */
  #sent = 0;
  #granted = 0;
  /** Size of the buffer that had no credit. */
  #refusedBytes: number | undefined;
  /** `#sent` when credit was asked for last. */
  #wantedAt = -1;

  constructor(lane: Lane, peerAddress: string, slabs: Slabs) {
    this.#lane = lane;
    this.#loan = new TransmitLoan(() => peerAddress);
    this.#slabs = slabs;
  }

  /** A buffer was refused, and would not be now. */
  get owesCredit(): boolean {
    return this.#refusedBytes !== undefined && this.#hasCredit(this.#refusedBytes);
  }

  /** Its owner is told of the credit. */
  settleCredit(): void {
    this.#refusedBytes = undefined;
  }

  /** As Link.acquire. */
  acquire(sizeBytes: number): Uint8Array | undefined {
    this.#loan.check(sizeBytes);
    const capacity = Math.max(sizeBytes, PAYLOAD_BYTES);
    const hasCredit = this.#hasCredit(capacity);
    this.#refusedBytes = hasCredit ? undefined : capacity;
    if (hasCredit) return this.#loan.begin(this.#room(capacity));
    this.#askForCredit();
    return undefined;
  }

  /** As Link.send; the bytes wait for `flush` when the link `isOpen`. */
  send(buffer: Uint8Array, length: number, isOpen: boolean): void {
    this.#loan.end(buffer, length);
    if (!isOpen) return this.#tidy();
    this.#sent += length + FRAME_COST_BYTES;
    if (length > PAYLOAD_BYTES) this.#sendInPieces(buffer, length);
    else if (this.#isLarge) this.#sendAlone(buffer, length);
    else this.#sendInSlab(length);
  }

  /** The receiver has read frames of this cost since the link opened. ProtocolError for a cost that was never sent. */
  grant(total: number): void {
    if (!(total <= this.#sent))
      throw new ProtocolError(`${total} bytes of frames were granted, and ${this.#sent} sent.`);
    this.#granted = Math.max(this.#granted, total);
  }

  /** What was sent can be taken with `next`. */
  flush(): void {
    const slab = this.#slab;
    if (slab === undefined || slab.start === slab.end) return;
    const bytes = slab.bytes.subarray(slab.start, slab.end);
    slab.start = slab.end;
    slab.regions += 1;
    this.#queue.push({ bytes, written: () => this.#written(slab) });
  }

  next(): Outgoing | undefined {
    return this.#queue.shift();
  }

  /** Drops what was not taken. */
  discard(): void {
    for (const { written } of this.#queue.splice(0)) written();
    const slab = this.#slab;
    if (slab === undefined) return;
    slab.end = slab.start;
    if (this.#loan.isOut && !this.#isLarge) this.#slabs.lose(slab);
    else if (slab.regions === 0) this.#slabs.giveBack(slab);
    this.#slab = undefined;
  }

  /** A frame larger than the window has credit when it is alone. */
  #hasCredit(sizeBytes: number): boolean {
    const inFlight = this.#sent - this.#granted;
    return inFlight === 0 || inFlight + sizeBytes + FRAME_COST_BYTES <= limits.linkWindowBytes;
  }

  #askForCredit(): void {
    if (this.#wantedAt === this.#sent) return;
    this.#wantedAt = this.#sent;
    this.flush();
    const want = new Uint8Array(HEADER_BYTES);
    writeHeader(want, 0, 0, FrameKind.want, this.#lane, this.#nextSequence());
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
    if (slab === this.#slab) this.#tidy();
    else if (slab.regions === 0) this.#slabs.giveBack(slab);
  }

  /** The slab is full; it is free once all of it is written. */
  #retire(slab: Slab): void {
    this.flush();
    this.#slab = undefined;
    if (slab.regions === 0) this.#slabs.giveBack(slab);
  }

  /** A lane that holds nothing keeps no slab. */
  #tidy(): void {
    const slab = this.#slab;
    if (slab === undefined || slab.regions > 0 || slab.start !== slab.end) return;
    if (this.#loan.isOut && !this.#isLarge) return;
    this.#slab = undefined;
    this.#slabs.giveBack(slab);
  }
}
