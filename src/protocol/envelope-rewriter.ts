/** Changes an encoded envelope in a queued frame. The schema is protos/millrace/v1/envelope.proto. */
import { ProtocolError } from '../errors.js';
import { WireReader } from './wire/index.js';

const CONTROL = 82;
const REMAINING_MICROSECONDS = 16;

/**
 * Lowers `remaining_microseconds` of the length-prefixed envelope in [start, end), in place: the number keeps its width, padded as
 * protobuf allows.
 *
 * @throws ProtocolError when the envelope has no such field.
 */
export function lowerRemaining(bytes: Uint8Array, start: number, end: number, microseconds: number): void {
  const reader = new WireReader(bytes, start, end);
  reader.narrow();
  seek(reader, CONTROL);
  reader.narrow();
  seek(reader, REMAINING_MICROSECONDS);
  const from = reader.position;
  reader.uint64Number();
  const last = reader.position - 1;
  let left = Math.max(0, Math.floor(microseconds));
  for (let position = from; position < last; position++) {
    bytes[position] = (left % 128) | 128;
    left = Math.floor(left / 128);
  }
  bytes[last] = left;
}

/** Moves the reader to the value of a field. */
function seek(reader: WireReader, wanted: number): void {
  while (reader.position < reader.end) {
    const key = reader.tag();
    if (key === wanted) return;
    reader.skip(key);
  }
  throw new ProtocolError('The envelope says nothing of the time that remains.');
}
