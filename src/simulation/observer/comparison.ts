import { crc32 } from 'node:zlib';
import { type AnyMethod, encode, type MessageType } from '../../protocol/index.js';

/** Tolerance for rounding errors in sums of times, in ms. */
export const EPSILON_MS = 1e-6;

/** Identifies the content of a message. */
export function checksumOf(type: MessageType<unknown, unknown>, message: unknown): number {
  return crc32(encode(type, message));
}

/** As `checksumOf`, for the message of a call. The requests of a stream have a checksum each. */
export function requestChecksumOf(method: AnyMethod, message: unknown): number {
  return method.streamsRequests === true ? 0 : checksumOf(method.request, message);
}
