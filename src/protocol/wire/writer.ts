import { ProtocolError } from '../../errors.js';
import { limits } from '../../limits.js';
import type { DetachedFields } from './detached-fields.js';
import { isUint8Array } from './platform.js';
import { writeUtf8 } from './utf8.js';
import { varintSize } from './varint-size.js';
import { checkFloat, tooDeep, tooLong, wrong } from './wrong-value.js';

const TWO_32 = 4_294_967_296;
const NOTHING = new Uint8Array(0);
/** Below this many bytes a loop is faster than making the view that `set` needs. */
const SMALL_BYTES = 32;

/** What `writer.message` needs of a message type. */
interface Writable<T> {
  write(message: T, writer: WireWriter): void;
}

/**
 * Writes protobuf wire format into the region [start, end) of a Uint8Array, in one pass, without its own buffer. Bytes that do not fit are
 * counted but not written: afterwards, `overflowed` tells whether all bytes did fit, and `size` is their number, so that the caller can
 * `rewind` and try again in a larger region.
 *
 * Values of a wrong type or out of range throw ProtocolError.
 */
export class WireWriter {
  bytes: Uint8Array = NOTHING;
  start = 0;
  end = 0;
  /** Offset of the next byte; past `end` when the region was too small. */
  position = 0;
  /** Nested messages and byte fields that were written, and the bytes of the large ones: see readable.ts. */
  parts = 0;
  bulkBytes = 0;
  /** Takes the large `bytes` fields of the message that is being written. */
  detached: DetachedFields | undefined = undefined;
  #depth = 0;
  #view: DataView | undefined = undefined;
  /** For turning bigints into 32-bit parts and back. Created on first use, because it costs more than a small message. */
  #scratch: DataView | undefined = undefined;

  constructor(bytes?: Uint8Array, start?: number, end?: number) {
    if (bytes !== undefined) this.reset(bytes, start, end);
  }

  /** Points the writer at the region [start, end) of `bytes`. */
  reset(bytes: Uint8Array, start = 0, end = bytes.length): this {
    if (!(start >= 0 && start <= end && end <= bytes.length)) {
      throw new ProtocolError(`Cannot write to [${start}, ${end}) of ${bytes.length} bytes.`);
    }
    if (bytes !== this.bytes) {
      this.bytes = bytes;
      this.#view = undefined;
    }
    this.start = start;
    this.end = end;
    return this.rewind(start);
  }

  /** Goes back to an earlier `position`: after an overflow, or when a value cannot be written. */
  rewind(position: number): this {
    this.position = position;
    this.detached = undefined;
    this.#depth = 0;
    return this;
  }

  /** True when the region was too small. */
  get overflowed(): boolean {
    return this.position > this.end;
  }

  /** Number of bytes, including those that did not fit. */
  get size(): number {
    return this.position - this.start;
  }

  /** A field's key: number * 8 + wire type. Not checked. */
  tag(key: number): this {
    if (key < 128 && this.position < this.end) {
      this.bytes[this.position++] = key;
      return this;
    }
    return this.#varint(key);
  }

  uint32(value: number): this {
    if (value >>> 0 !== value) throw wrong('an integer from 0 to 4294967295', value);
    if (value < 128 && this.position < this.end) {
      this.bytes[this.position++] = value;
      return this;
    }
    return this.#varint(value);
  }

  int32(value: number): this {
    if ((value | 0) !== value) throw wrong('an integer from -2147483648 to 2147483647', value);
    return value >= 0 ? this.#varint(value) : this.uint64Parts(value, -1);
  }

  sint32(value: number): this {
    if ((value | 0) !== value) throw wrong('an integer from -2147483648 to 2147483647', value);
    return this.#varint(((value << 1) ^ (value >> 31)) >>> 0);
  }

  bool(value: boolean): this {
    if (typeof value !== 'boolean') throw wrong('a boolean', value);
    if (this.position < this.end) this.bytes[this.position] = value ? 1 : 0;
    this.position++;
    return this;
  }

  fixed32(value: number): this {
    if (value >>> 0 !== value) throw wrong('an integer from 0 to 4294967295', value);
    return this.#word(value);
  }

  sfixed32(value: number): this {
    if ((value | 0) !== value) throw wrong('an integer from -2147483648 to 2147483647', value);
    return this.#word(value);
  }

  /** Refuses a finite number that would become an infinity. */
  float(value: number): this {
    checkFloat(value);
    const position = this.position;
    this.position = position + 4;
    if (this.position <= this.end) this.#data().setFloat32(position, value, true);
    return this;
  }

  double(value: number): this {
    if (typeof value !== 'number') throw wrong('a number', value);
    const position = this.position;
    this.position = position + 8;
    if (this.position <= this.end) this.#data().setFloat64(position, value, true);
    return this;
  }

  uint64(value: bigint): this {
    if (typeof value !== 'bigint' || BigInt.asUintN(64, value) !== value)
      throw wrong('a bigint from 0 to 2^64-1', value);
    const scratch = this.#parts(value);
    return this.uint64Parts(scratch.getInt32(0, true), scratch.getInt32(4, true));
  }

  int64(value: bigint): this {
    if (typeof value !== 'bigint' || BigInt.asIntN(64, value) !== value)
      throw wrong('a bigint from -2^63 to 2^63-1', value);
    const scratch = this.#parts(value);
    return this.uint64Parts(scratch.getInt32(0, true), scratch.getInt32(4, true));
  }

  sint64(value: bigint): this {
    if (typeof value !== 'bigint' || BigInt.asIntN(64, value) !== value)
      throw wrong('a bigint from -2^63 to 2^63-1', value);
    const scratch = this.#parts(value);
    return this.sint64Parts(scratch.getInt32(0, true), scratch.getInt32(4, true));
  }

  fixed64(value: bigint): this {
    if (typeof value !== 'bigint' || BigInt.asUintN(64, value) !== value)
      throw wrong('a bigint from 0 to 2^64-1', value);
    const position = this.position;
    this.position = position + 8;
    if (this.position <= this.end) this.#data().setBigUint64(position, value, true);
    return this;
  }

  sfixed64(value: bigint): this {
    if (typeof value !== 'bigint' || BigInt.asIntN(64, value) !== value)
      throw wrong('a bigint from -2^63 to 2^63-1', value);
    const position = this.position;
    this.position = position + 8;
    if (this.position <= this.end) this.#data().setBigInt64(position, value, true);
    return this;
  }

  /** A varint from the low and high 32 bits, signed or not. */
  uint64Parts(low: number, high: number): this {
    if (high === 0) return this.#varint(low);
    let lower = low | 0;
    let upper = high | 0;
    let position = this.position;
    const { bytes, end } = this;
    while (upper !== 0) {
      if (position < end) bytes[position] = (lower & 127) | 128;
      position++;
      lower = (lower >>> 7) | (upper << 25);
      upper >>>= 7;
    }
    this.position = position;
    return this.#varint(lower);
  }

  sint64Parts(low: number, high: number): this {
    const sign = high >> 31;
    return this.uint64Parts((low << 1) ^ sign, ((high << 1) | (low >>> 31)) ^ sign);
  }

  fixed64Parts(low: number, high: number): this {
    return this.#word(low).#word(high);
  }

  /** `uint64` as a number: exact integers from 0 to 2^53-1 only. */
  uint64Number(value: number): this {
    if (!(Number.isSafeInteger(value) && value >= 0)) throw wrong('an integer from 0 to 2^53-1', value);
    return this.uint64Parts(value, value / TWO_32);
  }

  int64Number(value: number): this {
    if (!Number.isSafeInteger(value)) throw wrong('an integer from -(2^53-1) to 2^53-1', value);
    return this.uint64Parts(value, Math.floor(value / TWO_32));
  }

  sint64Number(value: number): this {
    if (!Number.isSafeInteger(value)) throw wrong('an integer from -(2^53-1) to 2^53-1', value);
    return this.sint64Parts(value, Math.floor(value / TWO_32));
  }

  fixed64Number(value: number): this {
    if (!(Number.isSafeInteger(value) && value >= 0)) throw wrong('an integer from 0 to 2^53-1', value);
    return this.fixed64Parts(value, value / TWO_32);
  }

  sfixed64Number(value: number): this {
    if (!Number.isSafeInteger(value)) throw wrong('an integer from -(2^53-1) to 2^53-1', value);
    return this.fixed64Parts(value, Math.floor(value / TWO_32));
  }

  /** Length and UTF-8; a lone surrogate becomes U+FFFD. */
  string(value: string): this {
    if (typeof value !== 'string') throw wrong('a string', value);
    // At least as many bytes as UTF-16 units: most often both lengths take the same room, and nothing has to be moved.
    const reserved = varintSize(value.length);
    const content = this.position + reserved;
    this.position = writeUtf8(this.bytes, content, this.end, value);
    return this.#finish(content, reserved);
  }

  /** Length and bytes. */
  blob(value: Uint8Array): this {
    if (!(value instanceof Uint8Array || isUint8Array(value))) throw wrong('a Uint8Array', value);
    const { length } = value;
    if (this.detached !== undefined && this.detached.takes(this.position, value)) return this.#varint(0);
    this.#length(length);
    this.parts++;
    const position = this.position;
    this.position = position + length;
    if (this.position > this.end) return this;
    const { bytes } = this;
    if (length > SMALL_BYTES) {
      this.bulkBytes += length;
      bytes.set(value, position);
    } else for (let index = 0; index < length; index++) bytes[position + index] = value[index] as number;
    return this;
  }

  /** Length and fields of a nested message. */
  message<T>(type: Writable<T>, value: T): this {
    this.parts++;
    if (++this.#depth > limits.messageDepth) throw tooDeep();
    const mark = this.open();
    type.write(value, this);
    this.#depth--;
    return this.close(mark);
  }

  /** Bytes that are encoded already: whole fields. */
  raw(given: Uint8Array): this {
    const { bytes, position } = this;
    const { length } = given;
    this.position = position + length;
    if (this.position > this.end) return this;
    for (let index = 0; index < length; index++) bytes[position + index] = given[index] as number;
    return this;
  }

  /**
   * Leaves room for the length of what is written up to `close`, to which the returned mark is given, and `expected` again. Where about
   * `expected` bytes are written in between, nothing has to be moved.
   */
  open(expected = 0): number {
    this.position += expected < 128 ? 1 : varintSize(expected);
    return this.position;
  }

  /** Writes the length of all since `open`; moves it when the length takes other room than was left for it. */
  close(mark: number, expected = 0): this {
    const length = this.position - mark;
    if (length >= 128 || expected >= 128) return this.#finish(mark, varintSize(expected));
    if (mark <= this.end) this.bytes[mark - 1] = length;
    return this;
  }

  #length(length: number): this {
    if (length >= TWO_32) throw tooLong(length);
    return this.#varint(length);
  }

  #finish(content: number, reserved: number): this {
    const { bytes, end } = this;
    let length = this.position - content;
    if (length >= TWO_32) throw tooLong(length);
    let extra = varintSize(length) - reserved;
    // What did not fit stays counted, also where it would fit once moved down: it was not written.
    if (this.position > end) extra = Math.max(0, extra);
    if (extra !== 0) {
      if (this.position + extra <= end) bytes.copyWithin(content + extra, content, this.position);
      this.position += extra;
      this.detached?.shift(content, extra);
    }
    if (this.position > end) return this;
    let position = content - reserved;
    while (length > 127) {
      bytes[position++] = (length & 127) | 128;
      length >>>= 7;
    }
    bytes[position] = length;
    return this;
  }

  #varint(value: number): this {
    const { bytes, end } = this;
    let rest = value >>> 0;
    let position = this.position;
    while (rest > 127) {
      if (position < end) bytes[position] = (rest & 127) | 128;
      position++;
      rest >>>= 7;
    }
    if (position < end) bytes[position] = rest;
    this.position = position + 1;
    return this;
  }

  /** Four bytes, lowest first. */
  #word(value: number): this {
    const { bytes, position } = this;
    this.position = position + 4;
    if (this.position > this.end) return this;
    bytes[position] = value;
    bytes[position + 1] = value >>> 8;
    bytes[position + 2] = value >>> 16;
    bytes[position + 3] = value >>> 24;
    return this;
  }

  #parts(value: bigint): DataView {
    this.#scratch ??= new DataView(new ArrayBuffer(8));
    this.#scratch.setBigInt64(0, value, true);
    return this.#scratch;
  }

  #data(): DataView {
    this.#view ??= new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength);
    return this.#view;
  }
}
