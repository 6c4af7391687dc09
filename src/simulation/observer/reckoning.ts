import { crc32 } from 'node:zlib';
import { encode, type MessageType } from '../../protocol/index.js';

/** Longer than any number that time is added up of may be off, in ms. */
export const EPSILON_MS = 1e-6;

/** By which a content is known again. */
export function checksumOf(type: MessageType<unknown, unknown>, message: unknown): number {
  return crc32(encode(type, message));
}
