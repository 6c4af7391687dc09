import { crc32 } from 'node:zlib';
import { replyOf } from '../../actors/kernel/index.js';
import { MillraceError } from '../../errors.js';
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

/** Identifies the message that a handler gave; undefined when it gave none, and its caller gets the error. */
export function replyChecksum(method: AnyMethod, value: unknown): number | undefined {
  try {
    return checksumOf(method.response, replyOf(method, value));
  } catch (error) {
    if (error instanceof MillraceError) return undefined;
    throw error;
  }
}
