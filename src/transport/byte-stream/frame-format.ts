import { ProtocolError } from '../../errors.js';
import { limits } from '../../limits.js';
import { Lane } from '../../protocol/index.js';
import type { CloseReason } from '../transport.js';

/**
 * The format of the socket after the handshake:
 *
 *     0            4      5      6           8
 *     | length LE  | kind | lane | sequence  | payload, `length` bytes ...
 *
 * Each lane numbers its own frames, and so do the control messages of the link, which are a third sequence: frames of the control lane
 * may overtake data, and bytes that are not frames are detected.
 */
export const HEADER_BYTES = 8;

export const FrameKind = {
  /** A frame of a lane, in one part. */
  whole: 1,
  /** uint32 LE: the size of a frame that follows in pieces. Other lanes may send between the pieces. */
  large: 2,
  piece: 3,
  /** Sent in its lane: asks the receiver to grant credit as soon as it has read all frames before this one. */
  creditRequest: 4,
  /** Two float64 LE: the cost of all frames read since the link opened, on the control lane and on the data lane. */
  credit: 5,
  ping: 6,
  pong: 7,
  /** The kind of the reason, then its message in UTF-8. The last message of a link. */
  close: 8,
} as const;
export type FrameKind = (typeof FrameKind)[keyof typeof FrameKind];

const KINDS: readonly FrameKind[] = Object.values(FrameKind);

export function kindOf(byte: number): FrameKind | undefined {
  return KINDS[byte - 1];
}

/** The lane number of the link's control messages: credit, ping, pong, close. */
export const LINK_LANE = 2;
export type WireLane = Lane | typeof LINK_LANE;

/** Longest payload. A longer frame is sent in pieces. */
export const PAYLOAD_BYTES = limits.frameBytes;

const REASONS = ['closed', 'lost', 'protocol'] as const;
/** Longest message of a close reason that is sent. */
const REASON_BYTES = 1_000;

export function writeHeader(
  bytes: Uint8Array,
  offset: number,
  length: number,
  kind: FrameKind,
  lane: WireLane,
  sequence: number,
): void {
  bytes[offset] = length;
  bytes[offset + 1] = length >>> 8;
  bytes[offset + 2] = length >>> 16;
  bytes[offset + 3] = length >>> 24;
  bytes[offset + 4] = kind;
  bytes[offset + 5] = lane;
  bytes[offset + 6] = sequence;
  bytes[offset + 7] = sequence >>> 8;
}

/** Makes a frame in new memory. */
export function frameOf(kind: FrameKind, lane: WireLane, sequence: number, payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(HEADER_BYTES + payload.length);
  writeHeader(frame, 0, payload.length, kind, lane, sequence);
  frame.set(payload, HEADER_BYTES);
  return frame;
}

export function creditPayload(control: number, data: number): Uint8Array {
  const payload = new DataView(new ArrayBuffer(16));
  payload.setFloat64(0, control, true);
  payload.setFloat64(8, data, true);
  return new Uint8Array(payload.buffer);
}

export function readCredit(bytes: Uint8Array): { readonly control: number; readonly data: number } {
  if (bytes.length !== 16)
    throw new ProtocolError(`A credit message must have 16 bytes; the peer sent ${bytes.length}.`);
  const payload = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return { control: payload.getFloat64(0, true), data: payload.getFloat64(8, true) };
}

export function reasonPayload(reason: CloseReason): Uint8Array {
  const message = reason.kind === 'closed' ? '' : reason.message;
  const text = new TextEncoder().encode(message).subarray(0, REASON_BYTES);
  return Uint8Array.from([REASONS.indexOf(reason.kind), ...text]);
}

export function readReason(bytes: Uint8Array): CloseReason {
  const kind = REASONS[bytes[0] ?? REASONS.length];
  if (kind === undefined || bytes.length > 1 + REASON_BYTES)
    throw new ProtocolError('The peer sent a close message with an invalid reason.');
  return kind === 'closed' ? { kind } : { kind, message: new TextDecoder().decode(bytes.subarray(1)) };
}

/** The lane of a lane number; undefined for LINK_LANE and unknown numbers. */
export function laneOf(lane: number): Lane | undefined {
  if (lane === Lane.data) return Lane.data;
  return lane === Lane.control ? Lane.control : undefined;
}
