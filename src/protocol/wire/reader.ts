import { ProtocolError } from '../../errors.js';
import { limits } from '../../limits.js';
import { MEMORY } from './memory.js';
import { CopySlab } from './slab.js';
import type { AttachedFields } from './attached-fields.js';
import { readLongKey, skipValue } from './skip-value.js';
import { readUtf8 } from './utf8.js';
import { tooDeep, tooLarge, tooLong, truncated, wrongWireType } from './malformed.js';

const TWO_32 = 4_294_967_296;
const NOTHING = new Uint8Array(0);

interface Readable<T> {
  read(reader: WireReader, end: number): T;
}

/**
 * Reads protobuf wire format from the region [position, end) of a Uint8Array, which is untrusted input: every read is checked against the
 * end of the innermost message, nesting is bounded by `limits.messageDepth`, and malformed input throws ProtocolError. Returned strings and
 * bytes are copies. After a throw the reader needs `reset` or `resume`.
 */
export class WireReader {
  bytes: Uint8Array = NOTHING;
  /** Offset of the next byte, and end of the message being read. */
  position = 0;
  end = 0;
  /** The low and high 32 bits of the last 64-bit value that `varint64` or `fixed64Parts` has read, as signed integers. */
  low = 0;
  high = 0;
  #depth = 0;
  /** Estimated memory of the values read since `reset`, by `charge`: close for many small values, and usually above the real number. */
  allocatedBytes = 0;
  #view: DataView | undefined = undefined;
  /** For turning bigints into 32-bit parts and back. Created on first use, because it costs more than a small message. */
  #scratch: DataView | undefined = undefined;
  #slab: CopySlab | undefined = undefined;
  /** The `bytes` fields that have come beside the message. `reset` removes them. */
  attached: AttachedFields | undefined = undefined;

  constructor(bytes?: Uint8Array, start?: number, end?: number) {
    if (bytes !== undefined) this.reset(bytes, start, end);
  }

  /** Points the reader at the region [start, end) of `bytes`. */
  reset(bytes: Uint8Array, start = 0, end = bytes.length): this {
    if (!(start >= 0 && start <= end && end <= bytes.length)) {
      throw new ProtocolError(`Cannot read [${start}, ${end}) of ${bytes.length} bytes.`);
    }
    if (bytes !== this.bytes) {
      this.bytes = bytes;
      this.#view = undefined;
    }
    this.position = start;
    this.end = end;
    this.#depth = 0;
    this.allocatedBytes = 0;
    this.attached = undefined;
    return this;
  }

  /** Counts memory: two bytes on the wire may be a large object. Throws ProtocolError past `limits.decodedMessageBytes`. */
  charge(sizeBytes: number): void {
    this.allocatedBytes += sizeBytes;
    if (this.allocatedBytes > limits.decodedMessageBytes) throw tooLarge(this.position);
  }

  /** A varint's low 32 bits, unsigned; longer ones are cut, as protobuf asks. */
  uint32(): number {
    const { bytes, end } = this;
    let position = this.position;
    if (position < end) {
      const byte = bytes[position] as number;
      if (byte < 128) {
        this.position = position + 1;
        return byte;
      }
    }
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (position >= end) throw truncated(1, this.position, this.end);
      const byte = bytes[position++] as number;
      if (shift < 32) value |= (byte & 127) << shift;
      if (byte < 128) {
        this.position = position;
        return value >>> 0;
      }
    }
    throw new ProtocolError(`The varint at offset ${this.position} is longer than 10 bytes.`);
  }

  int32(): number {
    return this.uint32() | 0;
  }

  sint32(): number {
    const value = this.uint32();
    return (value >>> 1) ^ -(value & 1);
  }

  bool(): boolean {
    this.varint64();
    return (this.low | this.high) !== 0;
  }

  /** Reads a varint into `low` and `high`. */
  varint64(): void {
    const { bytes, end } = this;
    let position = this.position;
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (position >= end) throw truncated(1, this.position, this.end);
      const byte = bytes[position++] as number;
      const bits = byte & 127;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high = bits >>> 4;
      } else high |= bits << (shift - 32);
      if (byte < 128) {
        this.low = low;
        this.high = high;
        this.position = position;
        return;
      }
    }
    throw new ProtocolError(`The varint at offset ${this.position} is longer than 10 bytes.`);
  }

  uint64(): bigint {
    this.varint64();
    return this.#unsigned();
  }

  int64(): bigint {
    this.varint64();
    return this.#signed();
  }

  sint64(): bigint {
    this.#zigzag64();
    return this.#signed();
  }

  fixed32(): number {
    return this.#wordAt(this.take(4)) >>> 0;
  }

  sfixed32(): number {
    return this.#wordAt(this.take(4));
  }

  /** Reads eight bytes into `low` and `high`. */
  fixed64Parts(): void {
    const position = this.take(8);
    this.low = this.#wordAt(position);
    this.high = this.#wordAt(position + 4);
  }

  fixed64(): bigint {
    this.charge(MEMORY.bigint);
    return this.#data().getBigUint64(this.take(8), true);
  }

  sfixed64(): bigint {
    this.charge(MEMORY.bigint);
    return this.#data().getBigInt64(this.take(8), true);
  }

  float(): number {
    return this.#data().getFloat32(this.take(4), true);
  }

  double(): number {
    return this.#data().getFloat64(this.take(8), true);
  }

  /** `uint64` as a number; what is not exact in one throws. The others likewise. */
  uint64Number(): number {
    this.varint64();
    return this.#exact(this.high >>> 0);
  }

  int64Number(): number {
    this.varint64();
    return this.#exact(this.high);
  }

  sint64Number(): number {
    this.#zigzag64();
    return this.#exact(this.high);
  }

  fixed64Number(): number {
    this.fixed64Parts();
    return this.#exact(this.high >>> 0);
  }

  sfixed64Number(): number {
    this.fixed64Parts();
    return this.#exact(this.high);
  }

  /** Length and UTF-8. Throws for anything that is not UTF-8. */
  string(): string {
    const start = this.skipLength();
    this.charge(MEMORY.string + this.position - start);
    return readUtf8(this.bytes, start, this.position);
  }

  /** Length and bytes. Returns a copy that shares no memory with the input, nor with earlier results. */
  blob(): Uint8Array {
    return this.#bytes(this.attached?.at(this.position));
  }

  /** As `blob`, for a field that is borrowed: what came beside the message may be in it where it lies. */
  borrow(): Uint8Array {
    return this.#bytes(this.attached?.borrowedAt(this.position));
  }

  #bytes(attached: Uint8Array | undefined): Uint8Array {
    const start = this.skipLength();
    if (attached !== undefined) return attached;
    this.charge(MEMORY.bytes + this.position - start);
    this.#slab ??= new CopySlab();
    return this.#slab.copyOf(this.bytes, start, this.position);
  }

  /** Length and fields of a nested message. */
  message<T>(type: Readable<T>): T {
    this.enter();
    const outer = this.narrow();
    const value = type.read(this, this.end);
    this.widen(outer);
    this.leave();
    return value;
  }

  /** Counts a level of nesting, which `leave` ends. Throws ProtocolError past `limits.messageDepth`. */
  enter(): void {
    if (++this.#depth > limits.messageDepth) throw tooDeep(this.position);
  }

  leave(): void {
    this.#depth--;
  }

  /** Reads a length prefix, and narrows the region to that length; pass the result to `widen`. */
  narrow(): number {
    const start = this.skipLength();
    const outer = this.end;
    this.end = this.position;
    this.position = start;
    return outer;
  }

  widen(outer: number): void {
    this.end = outer;
  }

  /** Continues at `position` within a region that ends at `end`, also after an error. */
  resume(position: number, end: number): void {
    this.position = position;
    this.end = end;
    this.#depth = 0;
    this.allocatedBytes = 0;
  }

  /** Reads a length and skips as many bytes; returns the offset of their start. `position` is then at their end. */
  skipLength(): number {
    const from = this.position;
    let length = this.uint32();
    // Five bytes and more may hold a number beyond 32 bits, of which `uint32` keeps the lower ones.
    if (this.position - from > 4) length = this.#longLength(from);
    const start = this.position;
    if (length > this.end - start) throw truncated(length, this.position, this.end);
    this.position = start + length;
    return start;
  }

  /** The key of the next field: number * 8 + wire type. */
  tag(): number {
    const { position } = this;
    if (position < this.end) {
      const byte = this.bytes[position] as number;
      if (byte >= 8 && byte < 128) {
        this.position = position + 1;
        return byte;
      }
    }
    return readLongKey(this);
  }

  /**
   * Skips the value of an unknown field, whose key was just read. Throws for a number in `known`: such a field is only unknown because its
   * wire type is wrong.
   */
  skip(key: number, known: readonly number[] = []): void {
    if (known.includes(key >>> 3)) throw wrongWireType(key, this.position, 'wrong');
    skipValue(this, key);
  }

  /** A length of five bytes or more, which may be padded with zeros. */
  #longLength(from: number): number {
    this.position = from;
    this.varint64();
    if (this.high !== 0) throw tooLong(from);
    return this.low >>> 0;
  }

  #zigzag64(): void {
    this.varint64();
    const { low, high } = this;
    const sign = -(low & 1);
    this.low = ((low >>> 1) | (high << 31)) ^ sign;
    this.high = (high >>> 1) ^ sign;
  }

  #unsigned(): bigint {
    this.charge(MEMORY.bigint);
    this.#scratch ??= new DataView(new ArrayBuffer(8));
    this.#scratch.setInt32(0, this.low, true);
    this.#scratch.setInt32(4, this.high, true);
    return this.#scratch.getBigUint64(0, true);
  }

  #signed(): bigint {
    return BigInt.asIntN(64, this.#unsigned());
  }

  #exact(high: number): number {
    const value = high * TWO_32 + (this.low >>> 0);
    if (Number.isSafeInteger(value)) return value;
    throw new ProtocolError(`The 64-bit integer before offset ${this.position} does not fit into a number exactly.`);
  }

  #wordAt(position: number): number {
    const { bytes } = this;
    return (
      (bytes[position] as number) |
      ((bytes[position + 1] as number) << 8) |
      ((bytes[position + 2] as number) << 16) |
      ((bytes[position + 3] as number) << 24)
    );
  }

  /** Skips `size` bytes; returns the offset of their start. */
  take(size: number): number {
    const { position } = this;
    if (size > this.end - position) throw truncated(size, this.position, this.end);
    this.position = position + size;
    return position;
  }

  #data(): DataView {
    const { bytes } = this;
    this.#view ??= new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return this.#view;
  }
}
