import { isDeepStrictEqual } from 'node:util';
import { ProtocolError } from '#src/errors.js';
import { Lane } from '#src/protocol/index.js';
import {
  creditPayload,
  FrameKind,
  frameOf,
  LINK_LANE,
  readCredit,
  readReason,
  reasonPayload,
} from '#src/transport/byte-stream/frame-format.js';
import { FrameParser, type FrameSink } from '#src/transport/byte-stream/frame-parser.js';
import { BufferPool } from '#src/transport/buffer-pool.js';
import { IncomingLane } from '#src/transport/incoming-lane.js';
import { holds, type Target } from '../target.js';

/** The bytes of a socket after its handshake, in one read, and again in small pieces: both find the same. The first byte is their size. */
export const frames: Target = {
  seeds: () => [
    Uint8Array.from([3, ...good(0, 'hello'), ...good(1, 'again')]),
    Uint8Array.from([9, ...frameOf(FrameKind.large, Lane.data, 0, Uint8Array.of(4, 0, 0, 0)), ...pieces()]),
    Uint8Array.from([1, ...frameOf(FrameKind.credit, LINK_LANE, 0, creditPayload(100, 200))]),
    Uint8Array.from([1, ...frameOf(FrameKind.ping, LINK_LANE, 0, Uint8Array.of())]),
    Uint8Array.from([5, ...frameOf(FrameKind.close, LINK_LANE, 0, reasonPayload({ kind: 'lost', message: 'x' }))]),
    Uint8Array.from([2, ...frameOf(FrameKind.creditRequest, Lane.data, 0, Uint8Array.of()), ...good(1, 'x')]),
  ],
  feed: (bytes) => {
    const size = 1 + ((bytes[0] ?? 0) & 31);
    const wire = bytes.subarray(1);
    const whole = read([wire]);
    const apart = read(
      Array.from({ length: Math.ceil(wire.length / size) }, (_, at) => wire.subarray(at * size, (at + 1) * size)),
    );
    holds(isDeepStrictEqual(apart, whole), 'the same bytes in pieces are other frames');
  },
};

function good(sequence: number, content: string): Uint8Array {
  return frameOf(FrameKind.whole, Lane.data, sequence, new TextEncoder().encode(content));
}

function pieces(): readonly number[] {
  return [1, 2].flatMap((sequence) => [...frameOf(FrameKind.piece, Lane.data, sequence, Uint8Array.of(sequence, 0))]);
}

/** What a link does with what it reads, as text; the last is the error, if there was one. */
function read(chunks: readonly Uint8Array[]): readonly string[] {
  const found: string[] = [];
  const lanes = { [Lane.control]: new IncomingLane(), [Lane.data]: new IncomingLane() };
  const sink: FrameSink = {
    isReading: true,
    admit: (lane, sizeBytes) => lanes[lane].admit(sizeBytes),
    frame: (lane, bytes) => {
      lanes[lane].wasRead(bytes.length);
      found.push(`frame ${lane} ${Buffer.from(bytes).toString('hex')}`);
    },
    creditRequested: (lane) => lanes[lane].creditRequested(),
    onControl: (kind, bytes) => found.push(`control ${kind} ${control(kind, bytes)}`),
  };
  const parser = new FrameParser(sink, new BufferPool());
  try {
    for (const chunk of chunks) parser.push(chunk);
    parser.idle();
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    found.push(error.message);
  }
  return found;
}

function control(kind: FrameKind, bytes: Uint8Array): string {
  if (kind === FrameKind.credit) return JSON.stringify(readCredit(bytes));
  return kind === FrameKind.close ? JSON.stringify(readReason(bytes)) : '';
}
