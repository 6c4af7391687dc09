import { ProtocolError } from '../../errors.js';
import { limits } from '../../limits.js';

/** The errors for malformed input. Offsets are relative to the bytes that the reader was given. */
export function truncated(needed: number, position: number, end: number): ProtocolError {
  return new ProtocolError(
    `Truncated: ${needed} more bytes needed at offset ${position}, but the message ends at ${end}.`,
  );
}

export function tooLong(position: number): ProtocolError {
  return new ProtocolError(`The length at offset ${position} is 2^32 or more: nothing is that long.`);
}

export function tooLarge(position: number): ProtocolError {
  return new ProtocolError(
    `A message needs more than ${limits.decodedMessageBytes} bytes of memory when it is decoded (at offset ${position}). Send it in parts.`,
  );
}

export function tooDeep(position: number): ProtocolError {
  return new ProtocolError(`Messages are nested deeper than ${limits.messageDepth} levels at offset ${position}.`);
}

export function wrongWireType(key: number, position: number, what: 'wrong' | 'unknown'): ProtocolError {
  return new ProtocolError(`Field ${key >>> 3} at offset ${position} has the ${what} wire type ${key & 7}.`);
}
