import { ProtocolError } from '../../errors.js';

/** What a message is. Those of `data` and `end` have numbers of their own, and are repeated until the peer has them. */
export const MessageKind = {
  /** The next bytes of the stream. */
  data: 0,
  /** The end of the bytes in this direction. */
  end: 1,
  /** Asks for a report; `sequence` is that of the next message, so the peer sees what it has missed. */
  probe: 2,
  /** Says what was read. */
  report: 3,
  /** Asks for all messages from `sequence` on. */
  repeat: 4,
  /** The sender knows nothing of this connection, or has ended it. */
  reset: 5,
} as const;
export type MessageKind = (typeof MessageKind)[keyof typeof MessageKind];

/**
 * The first part of every message; the second one has the bytes.
 *
 *     0      1         4          8          12
 *     | kind | 0  0  0 | sequence | received |        numbers of 32 bits, little-endian, which begin again after 2^32 - 1
 */
export interface Header {
  readonly kind: MessageKind;
  readonly sequence: number;
  /** The number of the first message that the sender has not read. */
  readonly received: number;
}

export const HEADER_BYTES = 12;
const KINDS: readonly MessageKind[] = Object.values(MessageKind);

export function headerBytes({ kind, sequence, received }: Header): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, kind);
  view.setUint32(4, sequence, true);
  view.setUint32(8, received, true);
  return bytes;
}

/** Throws ProtocolError for anything else than a header. */
export function readHeader(bytes: Uint8Array): Header {
  const kind = KINDS.find((each) => each === bytes[0]);
  if (bytes.length !== HEADER_BYTES || kind === undefined || bytes[1] !== 0 || bytes[2] !== 0 || bytes[3] !== 0) {
    throw new ProtocolError('A message over ZeroMQ begins with 12 bytes that are no header of a link.');
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return { kind, sequence: view.getUint32(4, true), received: view.getUint32(8, true) };
}

/** How far one number is ahead of another; negative if it is behind. */
export function ahead(number: number, of: number): number {
  return (number - of) | 0;
}

export function following(number: number, count = 1): number {
  return (number + count) >>> 0;
}
