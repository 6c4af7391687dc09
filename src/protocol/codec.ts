import { ProtocolError } from '../errors.js';
import type { MessageType } from './service.js';
import { WireReader, WireWriter } from './wire/index.js';

const FIRST_BYTES = 256;

/** `message` as bytes of its own. Throws ProtocolError when a field has a wrong type or is out of range. */
export function encode<Read, Init>(type: MessageType<Read, Init>, message: Read): Uint8Array {
  const writer = new WireWriter(new Uint8Array(FIRST_BYTES));
  try {
    type.write(message, writer);
    if (!writer.overflowed) return writer.bytes.slice(0, writer.size);
    const bytes = new Uint8Array(writer.size);
    type.write(message, writer.reset(bytes));
    return bytes;
  } catch (cause) {
    throw inType(type, 'cannot be encoded', cause);
  }
}

/** The message that `bytes` hold; shares no memory with them. Throws ProtocolError when they are malformed. */
export function decode<Read, Init>(type: MessageType<Read, Init>, bytes: Uint8Array): Read {
  return readValue(type, new WireReader(), bytes, 0, bytes.length);
}

/** As `decode`, for the region [start, end) of `bytes`, with a reader that is used again and again. */
export function readValue<Read, Init>(
  type: MessageType<Read, Init>,
  reader: WireReader,
  bytes: Uint8Array,
  start: number,
  end: number,
): Read {
  try {
    return type.read(reader.reset(bytes, start, end), end);
  } catch (cause) {
    throw inType(type, 'cannot be decoded', cause);
  }
}

/** Says which type it was about; anything else than malformed data is not ours to explain. */
function inType(type: { readonly typeName: string }, what: string, cause: unknown): unknown {
  if (!(cause instanceof ProtocolError)) return cause;
  return new ProtocolError(`${type.typeName} ${what}. ${cause.message}`, { cause });
}
