import { ProtocolError } from '../../errors.js';
import type { Lane } from '../../protocol/index.js';
import { LARGEST_FRAME_BYTES } from '../buffer-lease.js';
import type { BufferPool } from '../buffer-pool.js';
import { FrameKind, HEADER_BYTES, kindOf, laneOf, LINK_LANE, PAYLOAD_BYTES } from './frame-format.js';

/** Receives what a parser finds, in the order of the wire. */
export interface FrameSink {
  /** The parser stops when this is false. */
  readonly isReading: boolean;
  /** Called before a frame of this size. Throws ProtocolError if the peer has no credit for it. */
  admit(lane: Lane, sizeBytes: number): void;
  /** Called for each frame. `bytes` are valid only during the call. */
  frame(lane: Lane, bytes: Uint8Array): void;
  /** The peer has requested credit for the lane. */
  creditRequested(lane: Lane): void;
  /** Called for each control message of the link: credit, ping, pong, close. */
  onControl(kind: FrameKind, bytes: Uint8Array): void;
}

/** A frame that arrives in pieces. */
interface Large {
  /** The buffer of the pool that the frame is in. */
  readonly buffer: Uint8Array;
  readonly bytes: Uint8Array;
  filled: number;
}

/**
 * Finds the frames in the bytes that a socket reads. A frame that lies in one read is not copied. A frame that spans reads is copied
 * once: an ordinary one into `carry`, a large one into memory of its own. Throws ProtocolError for bytes that are not frames; do not use
 * the parser after that.
 */
export class FrameParser {
  readonly #sink: FrameSink;
  readonly #pool: BufferPool;
  readonly #header = new Uint8Array(HEADER_BYTES);
  #headerFilled = 0;
  #kind: FrameKind = FrameKind.whole;
  #lane = 0;
  /** The memory for a payload that spans reads, and how many of its bytes have arrived. */
  #target: Uint8Array | undefined;
  #targetFilled = 0;
  #carry: Uint8Array | undefined;
  readonly #large: [Large | undefined, Large | undefined] = [undefined, undefined];
  readonly #sequences: [number, number, number] = [0, 0, 0];

  constructor(sink: FrameSink, pool: BufferPool) {
    this.#sink = sink;
    this.#pool = pool;
  }

  push(chunk: Uint8Array): void {
    let offset = 0;
    while (offset < chunk.length && this.#sink.isReading) {
      offset = this.#target === undefined ? this.#begin(chunk, offset) : this.#fill(this.#target, chunk, offset);
    }
  }

  /** Called when the socket has no more bytes for now. Frees the memory that an idle link does not need. */
  idle(): void {
    if (this.#target === undefined) this.#carry = undefined;
  }

  /** Frees the memory of frames that have arrived in part. Do not use the parser after that. */
  close(): void {
    for (const large of this.#large) {
      if (large !== undefined) this.#pool.giveBack(large.buffer);
    }
    this.#large.fill(undefined);
    this.#carry = undefined;
    this.#target = undefined;
  }

  #begin(chunk: Uint8Array, start: number): number {
    let header = chunk;
    let at = start;
    let offset = start + HEADER_BYTES;
    if (this.#headerFilled > 0 || offset > chunk.length) {
      offset = Math.min(chunk.length, start + HEADER_BYTES - this.#headerFilled);
      this.#header.set(chunk.subarray(start, offset), this.#headerFilled);
      this.#headerFilled += offset - start;
      if (this.#headerFilled < HEADER_BYTES) return offset;
      this.#headerFilled = 0;
      header = this.#header;
      at = 0;
    }
    const length = this.#readHeader(header, at);
    if (offset + length > chunk.length) {
      this.#target = this.#targetFor(length);
      this.#targetFilled = 0;
      return offset;
    }
    this.#payload(chunk.subarray(offset, offset + length));
    return offset + length;
  }

  #fill(target: Uint8Array, chunk: Uint8Array, start: number): number {
    const end = Math.min(chunk.length, start + target.length - this.#targetFilled);
    target.set(chunk.subarray(start, end), this.#targetFilled);
    this.#targetFilled += end - start;
    if (this.#targetFilled < target.length) return end;
    this.#target = undefined;
    this.#payload(target);
    return end;
  }

  /** Checks a header, and returns the length of its payload. */
  #readHeader(bytes: Uint8Array, at: number): number {
    const view = new DataView(bytes.buffer, bytes.byteOffset + at, HEADER_BYTES);
    const length = view.getUint32(0, true);
    const kind = kindOf(view.getUint8(4));
    const lane = view.getUint8(5);
    const sequence = this.#sequences[lane];
    if (
      kind === undefined ||
      sequence === undefined ||
      view.getUint16(6, true) !== sequence ||
      length > PAYLOAD_BYTES
    ) {
      throw new ProtocolError('The peer sent bytes that are not a frame of this link.');
    }
    this.#sequences[lane] = (sequence + 1) & 0xffff;
    this.#kind = kind;
    this.#lane = lane;
    if ((lane === LINK_LANE) !== kind >= FrameKind.credit) {
      throw new ProtocolError(`The peer sent a frame of kind ${kind} on lane ${lane}, where that kind is not allowed.`);
    }
    const own = laneOf(lane);
    if (kind === FrameKind.whole && own !== undefined) this.#sink.admit(own, length);
    return length;
  }

  #targetFor(length: number): Uint8Array {
    if (this.#kind === FrameKind.piece) return this.#roomInLarge(length);
    this.#carry ??= new Uint8Array(PAYLOAD_BYTES);
    return this.#carry.subarray(0, length);
  }

  #payload(bytes: Uint8Array): void {
    const lane = laneOf(this.#lane);
    if (lane === undefined) {
      this.#sink.onControl(this.#kind, bytes);
    } else if (this.#kind === FrameKind.whole) {
      if (this.#large[lane] !== undefined)
        throw new ProtocolError('The peer sent a frame between the pieces of another frame of the same lane.');
      this.#sink.frame(lane, bytes);
    } else if (this.#kind === FrameKind.creditRequest) {
      this.#sink.creditRequested(lane);
    } else if (this.#kind === FrameKind.large) {
      this.#beginLarge(lane, bytes);
    } else {
      this.#addPiece(lane, bytes);
    }
  }

  #beginLarge(lane: Lane, bytes: Uint8Array): void {
    if (bytes.length !== 4 || this.#large[lane] !== undefined)
      throw new ProtocolError('The peer started a large frame with an invalid header, or inside another large frame.');
    const sizeBytes = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
    if (sizeBytes <= PAYLOAD_BYTES || sizeBytes > LARGEST_FRAME_BYTES) {
      throw new ProtocolError(
        `The peer announced a frame in pieces of ${sizeBytes} bytes; allowed are ${PAYLOAD_BYTES + 1} to ${LARGEST_FRAME_BYTES}.`,
      );
    }
    this.#sink.admit(lane, sizeBytes);
    const buffer = this.#pool.take(sizeBytes);
    this.#large[lane] = { buffer, bytes: buffer.subarray(0, sizeBytes), filled: 0 };
  }

  #roomInLarge(length: number): Uint8Array {
    const lane = laneOf(this.#lane);
    const large = lane === undefined ? undefined : this.#large[lane];
    if (large === undefined || length === 0 || large.filled + length > large.bytes.length) {
      throw new ProtocolError('The peer sent a piece that belongs to no frame.');
    }
    return large.bytes.subarray(large.filled, large.filled + length);
  }

  #addPiece(lane: Lane, bytes: Uint8Array): void {
    const room = this.#roomInLarge(bytes.length);
    const large = this.#large[lane];
    if (large === undefined) return;
    // A piece that spanned reads was already copied to its place.
    if (room.buffer !== bytes.buffer) room.set(bytes);
    large.filled += bytes.length;
    if (large.filled < large.bytes.length) return;
    this.#large[lane] = undefined;
    this.#sink.frame(lane, large.bytes);
    this.#pool.giveBack(large.buffer);
  }
}
