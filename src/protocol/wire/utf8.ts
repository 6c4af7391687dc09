/** UTF-8 to and from a region of bytes: loops for short ASCII, the platform's coders for the rest. */
import { ProtocolError } from '../../errors.js';

/** From this many UTF-16 units on, the native encoder is faster than a loop in spite of its view and result object. */
const NATIVE_WRITE = 96;
/** Bytes up to which a loop over ASCII is faster than the native decoder. */
const NATIVE_READ = 32;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Writes `value` at `position` and returns the position after it; past `end`, nothing (or only a part) was written. */
export function writeUtf8(bytes: Uint8Array, position: number, end: number, value: string): number {
  const { length } = value;
  if (position + length > end) return position + utf8Length(value);
  if (length < NATIVE_WRITE) {
    let index = 0;
    for (; index < length; index++) {
      const unit = value.charCodeAt(index);
      if (unit > 127) break;
      bytes[position + index] = unit;
    }
    return index === length ? position + length : writeUnits(bytes, position + index, end, value, index);
  }
  const { read, written } = encoder.encodeInto(value, bytes.subarray(position, end));
  return read === length ? position + written : position + utf8Length(value);
}

/** Unit by unit from `from` on, checking the bound at each. */
function writeUnits(bytes: Uint8Array, start: number, end: number, value: string, from: number): number {
  let position = start;
  for (let index = from; index < value.length; index++) {
    const point = pointAt(value, index);
    if (point > 0xffff) index++;
    const size = pointSize(point);
    if (position + size <= end) writePoint(bytes, position, point, size);
    position += size;
  }
  return position;
}

function writePoint(bytes: Uint8Array, position: number, point: number, size: number): void {
  if (size === 1) {
    bytes[position] = point;
    return;
  }
  let rest = point;
  for (let index = size - 1; index > 0; index--) {
    bytes[position + index] = (rest & 63) | 128;
    rest >>>= 6;
  }
  bytes[position] = rest | ((0xf00 >> size) & 0xff);
}

function utf8Length(value: string): number {
  let length = 0;
  for (let index = 0; index < value.length; index++) {
    const point = pointAt(value, index);
    if (point > 0xffff) index++;
    length += pointSize(point);
  }
  return length;
}

/** The code point at `index`; a lone surrogate is U+FFFD. */
function pointAt(value: string, index: number): number {
  const unit = value.charCodeAt(index);
  if (unit < 0xd800 || unit > 0xdfff) return unit;
  const point = value.codePointAt(index) ?? 0xfffd;
  return point > 0xffff ? point : 0xfffd;
}

function pointSize(point: number): number {
  if (point < 0x80) return 1;
  if (point < 0x800) return 2;
  return point < 0x10000 ? 3 : 4;
}

/** The string in [start, end). Throws ProtocolError when that is not UTF-8. */
export function readUtf8(bytes: Uint8Array, start: number, end: number): string {
  if (end - start <= NATIVE_READ) {
    const ascii = readAscii(bytes, start, end);
    if (ascii !== undefined) return ascii;
  }
  try {
    return decoder.decode(bytes.subarray(start, end));
  } catch (cause) {
    throw new ProtocolError(`The string at offset ${start} is not valid UTF-8.`, { cause });
  }
}

/** Eight at a time, since a call with eight codes costs hardly more than one with one. Undefined when there is more than ASCII. */
function readAscii(bytes: Uint8Array, start: number, end: number): string | undefined {
  let text = '';
  let position = start;
  for (; position + 8 <= end; position += 8) {
    const a = bytes[position] as number;
    const b = bytes[position + 1] as number;
    const c = bytes[position + 2] as number;
    const d = bytes[position + 3] as number;
    const e = bytes[position + 4] as number;
    const f = bytes[position + 5] as number;
    const g = bytes[position + 6] as number;
    const h = bytes[position + 7] as number;
    if ((a | b | c | d | e | f | g | h) > 127) return undefined;
    text += String.fromCharCode(a, b, c, d, e, f, g, h);
  }
  for (; position < end; position++) {
    const byte = bytes[position] as number;
    if (byte > 127) return undefined;
    text += String.fromCharCode(byte);
  }
  return text;
}
