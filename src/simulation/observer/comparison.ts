import { crc32 } from 'node:zlib';
import { encode, type MessageType } from '../../protocol/index.js';

/** Tolerance for rounding errors in sums of times, in ms. */
export const EPSILON_MS = 1e-6;

/** Identifies the content of a message. */
export function checksumOf(type: MessageType<unknown, unknown>, message: unknown): number {
  return crc32(encode(type, message));
}
