import { ProtocolError } from '../errors.js';
import { checkReadable, mayBeUnreadable } from './readable.js';
import type { MessageType } from './service.js';
import { copyOf, WireReader, WireWriter } from './wire/index.js';

/** Up to this size V8 keeps an array on its own heap, which is many times faster than beside it. */
const SMALL_BYTES = 64;
const NO_BYTES = new Uint8Array(0);

/**
 * `message`, or what `create` would take, as bytes of its own. Who encodes much passes a `scratch` writer over some KiB, used again and
 * again: what fits into its region is written once instead of twice.
 *
 * @throws ProtocolError when a field has a wrong type or is out of range; its message names the field.
 */
export function encode<Read, Init>(
  type: MessageType<Read, Init>,
  message: Read | Init,
  scratch?: WireWriter,
): Uint8Array {
  const writer = scratch?.rewind(scratch.start) ?? new WireWriter(new Uint8Array(SMALL_BYTES));
  try {
    const { parts, bulkBytes } = writer;
    type.write(message, writer);
    const whole = writer.overflowed ? new WireWriter(new Uint8Array(writer.size)) : writer;
    if (whole !== writer) type.write(message, whole);
    if (mayBeUnreadable(writer, writer.start, parts, bulkBytes)) checkReadable(type, whole, whole.start);
    return whole === writer ? copyOf(writer.bytes, writer.start, writer.position) : whole.bytes;
  } catch (cause) {
    throw inType(type, 'cannot be encoded', refusalOf(type, message, cause));
  }
}

/** Bytes that `message` takes when it is encoded. Throws ProtocolError as `encode` does. */
export function encodedSize<Read, Init>(type: MessageType<Read, Init>, message: Read | Init): number {
  try {
    const writer = new WireWriter(NO_BYTES);
    type.write(message, writer);
    return writer.size;
  } catch (cause) {
    throw inType(type, 'cannot be encoded', refusalOf(type, message, cause));
  }
}

/**
 * Encodes `message` into memory of the caller, which has `encodedSize(type, message)` bytes. Throws ProtocolError as `encode` does, and for a
 * message that has changed since its size was taken.
 */
export function encodeInto<Read, Init>(type: MessageType<Read, Init>, message: Read | Init, bytes: Uint8Array): void {
  try {
    const writer = new WireWriter(bytes);
    type.write(message, writer);
    if (writer.size !== bytes.length) {
      throw new ProtocolError(`It had ${bytes.length} bytes, and was changed to ${writer.size} while it was encoded.`);
    }
    if (mayBeUnreadable(writer, 0, 0, 0)) checkReadable(type, writer, 0);
  } catch (cause) {
    throw inType(type, 'cannot be encoded', refusalOf(type, message, cause));
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

/** The error of a message that was not written. The writer knows no fields, so `create` finds the one that is wrong. */
export function refusalOf<Read, Init>(type: MessageType<Read, Init>, message: Read | Init, cause: unknown): unknown {
  if (!(cause instanceof ProtocolError) && !(cause instanceof TypeError)) return cause;
  let filled: Read;
  try {
    // What `create` returns is a message, and takes a message as well.
    filled = type.create(message as Init);
  } catch (found) {
    return found;
  }
  return isWritten(type, filled) && !isWritten(type, message) ? outdated(type, cause) : cause;
}

function isWritten<Read, Init>(type: MessageType<Read, Init>, message: Read | Init): boolean {
  try {
    type.write(message, new WireWriter(NO_BYTES));
    return true;
  } catch {
    return false;
  }
}

function outdated({ typeName }: { readonly typeName: string }, cause: unknown): ProtocolError {
  return new ProtocolError(
    `${typeName} has fields that are left out, which the module of an earlier millrace gen cannot write. Generate the module again.`,
    { cause },
  );
}

/** Says which type it was about; anything else than malformed data is not ours to explain. */
export function inType(type: { readonly typeName: string }, what: string, cause: unknown): unknown {
  if (!(cause instanceof ProtocolError)) return cause;
  return new ProtocolError(`${type.typeName} ${what}. ${cause.message}`, { cause });
}
