import { ProtocolError } from '../../errors.js';
import { shownValue } from '../../foreign.js';
import { limits } from '../../limits.js';
import { type Meta, varintSize } from '../../protocol/index.js';

/** Bytes of UTF-8 that one UTF-16 unit takes at most. */
const LONGEST_UNIT_BYTES = 3;
/** Bytes that an entry takes beside its texts at most: three tags, and three lengths of up to three bytes. */
const ENTRY_BYTES = 12;

/**
 * Throws ProtocolError for meta that a link would not carry: more than `metaBytes`, or not text. A call within the partition fails as it
 * would over a link, so a program that works in one partition works in several.
 */
export function checkMeta(meta: Meta): void {
  let mostBytes = 0;
  for (const key in meta) {
    const value: unknown = meta[key];
    if (typeof value !== 'string') {
      throw new ProtocolError(
        `The meta ${JSON.stringify(key)} of a message must be a string, not ${shownValue(value)}.`,
      );
    }
    mostBytes += (key.length + value.length) * LONGEST_UNIT_BYTES + ENTRY_BYTES;
  }
  if (mostBytes <= limits.metaBytes) return;
  const size = encodedBytes(meta);
  if (size > limits.metaBytes) {
    throw new ProtocolError(
      `The meta of a message takes ${size} bytes, more than the limit of ${limits.metaBytes}. Send what is large in the message itself.`,
    );
  }
}

/** The size that the envelope codec counts. */
function encodedBytes(meta: Meta): number {
  let size = 0;
  for (const key in meta) {
    const entryBytes = textBytes(key) + textBytes(meta[key] ?? '');
    size += 1 + varintSize(entryBytes) + entryBytes;
  }
  return size;
}

function textBytes(text: string): number {
  const bytes = Buffer.byteLength(text);
  return 1 + varintSize(bytes) + bytes;
}
