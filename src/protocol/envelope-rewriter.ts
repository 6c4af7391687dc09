/** Changes an encoded envelope in a queued frame. The schema is protos/millrace/v1/envelope.proto. */
import { ProtocolError } from '../errors.js';
import { WireReader } from './wire/index.js';

const CONTROL = 82;
const REMAINING_MICROSECONDS = 16;
const SENT_MS = 73;

/**
 * Lowers `remaining_microseconds` of the length-prefixed envelope in [start, end), in place: the number keeps its width, padded as
 * protobuf allows. Sets `sent_ms`, from which it counts, where the envelope has that.
 *
 * @throws ProtocolError when the envelope has no remaining time.
 */
export function lowerRemaining(
  bytes: Uint8Array,
  start: number,
  end: number,
  microseconds: number,
  sentMs: number,
): void {
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
  if (isAt(reader, SENT_MS)) {
    new DataView(bytes.buffer, bytes.byteOffset, bytes.length).setFloat64(reader.position, sentMs, true);
  }
}

/** Moves the reader to the value of a field. */
function seek(reader: WireReader, wanted: number): void {
  if (!isAt(reader, wanted)) throw new ProtocolError('The envelope says nothing of the time that remains.');
}

/** Moves the reader to the value of a field; returns false, at the end, where there is none. */
function isAt(reader: WireReader, wanted: number): boolean {
  while (reader.position < reader.end) {
    const key = reader.tag();
    if (key === wanted) return true;
    reader.skip(key);
  }
  return false;
}
