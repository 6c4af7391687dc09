import { ProtocolError } from '../../errors.js';
import { wrongWireType } from './malformed.js';
import type { WireReader } from './reader.js';

const VARINT = 0;
const BITS_64 = 1;
const BYTES = 2;
const GROUP = 3;
const GROUP_END = 4;
const BITS_32 = 5;

/** Steps over the value behind a field key, whatever its wire type is. Throws ProtocolError for a wire type that does not exist. */
export function skipValue(reader: WireReader, key: number): void {
  switch (key & 7) {
    case VARINT:
      reader.varint64();
      return;
    case BITS_64:
      reader.take(8);
      return;
    case BYTES:
      reader.skipLength();
      return;
    case GROUP:
      skipGroup(reader, key >>> 3);
      return;
    case BITS_32:
      reader.take(4);
      return;
    default:
      throw wrongWireType(key, reader.position, 'unknown');
  }
}

function skipGroup(reader: WireReader, number: number): void {
  reader.enter();
  for (;;) {
    const key = reader.tag();
    if ((key & 7) === GROUP_END && key >>> 3 === number) break;
    skipValue(reader, key);
  }
  reader.leave();
}

/** The key of a field, of more than one byte or invalid. */
export function readLongKey(reader: WireReader): number {
  const start = reader.position;
  const key = reader.uint32();
  const size = reader.position - start;
  // 32 bits: the fifth byte has four.
  const isTooLong = size > 5 || (size === 5 && (reader.bytes[start + 4] as number) > 15);
  if (key < 8 || isTooLong) throw new ProtocolError(`The field key at offset ${start} is invalid.`);
  return key;
}
