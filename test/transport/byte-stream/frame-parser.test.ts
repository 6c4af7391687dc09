import { expect } from 'chai';
import fc from 'fast-check';
import { ProtocolError } from '#src/errors.js';
import { limits } from '#src/limits.js';
import { Lane } from '#src/protocol/index.js';
import {
  FrameKind,
  frameOf,
  LINK_LANE,
  PAYLOAD_BYTES,
  reasonPayload,
} from '#src/transport/byte-stream/frame-format.js';
import { LARGEST_FRAME_BYTES } from '#src/transport/buffer-lease.js';
import { FrameParser, type FrameSink } from '#src/transport/byte-stream/frame-parser.js';
import { FrameQueue } from '#src/transport/byte-stream/frame-queue.js';
import { OutgoingLane } from '#src/transport/outgoing-lane.js';
import { BufferPool } from '#src/transport/buffer-pool.js';

/** Keeps copies of what a parser finds. */
class Found implements FrameSink {
  isReading = true;
  readonly frames: { readonly lane: Lane; readonly bytes: Uint8Array }[] = [];
  readonly admitted: number[] = [];
  readonly words: FrameKind[] = [];
  readonly parser = new FrameParser(this, new BufferPool());

  admit(_lane: Lane, sizeBytes: number): void {
    this.admitted.push(sizeBytes);
  }

  frame(lane: Lane, bytes: Uint8Array): void {
    this.frames.push({ lane, bytes: bytes.slice() });
  }

  creditRequested(): void {}

  onControl(kind: FrameKind): void {
    this.words.push(kind);
  }
}

/** The bytes that the lanes of a link hand to its socket, for frames of these sizes. */
function wire(frames: readonly { readonly lane: Lane; readonly size: number; readonly fill: number }[]): Uint8Array {
  const pool = new BufferPool();
  const queues = [new FrameQueue(Lane.control, pool), new FrameQueue(Lane.data, pool)] as const;
  const lanes = queues.map((queue) => new OutgoingLane(queue, () => 'peer'));
  const out: Uint8Array[] = [];
  let granted = 0;
  for (const { lane, size, fill } of frames) {
    const sender = lanes[lane];
    const queue = queues[lane];
    const buffer = sender?.acquire(size);
    if (sender === undefined || buffer === undefined) throw new Error('no credit');
    buffer.fill(fill, 0, size);
    sender.send(buffer, size, true);
    queue.flush();
    // Large frames of one lane lie between those of the other.
    for (let next = queue.next(); next !== undefined; next = queue.next()) {
      out.push(...(next.head === undefined ? [] : [next.head]), next.bytes.slice());
      next.written();
    }
    granted += 1;
  }
  expect(granted).to.equal(frames.length);
  return Uint8Array.from(Buffer.concat(out));
}

function feed(bytes: Uint8Array, cuts: readonly number[]): Found {
  const found = new Found();
  const places = [...new Set([0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].sort((a, b) => a - b);
  for (const [index, start] of places.entries()) {
    // Each read has memory of its own, which is gone afterwards.
    const chunk = bytes.slice(start, places[index + 1] ?? start);
    found.parser.push(chunk);
    found.parser.idle();
    chunk.fill(0xdb);
  }
  return found;
}

describe('the parser of frames', () => {
  const small = fc.record({
    lane: fc.constantFrom(Lane.control, Lane.data),
    size: fc.oneof(fc.nat(40), fc.nat(3_000)),
    fill: fc.nat(255),
  });
  const large = small.map((frame) => ({ ...frame, size: PAYLOAD_BYTES + frame.size * 20 }));

  it('finds the same frames wherever reads cut them', () => {
    const frames = fc.array(fc.oneof({ weight: 9, arbitrary: small }, { weight: 1, arbitrary: large }), {
      maxLength: 8,
    });
    fc.assert(
      fc.property(frames, fc.array(fc.nat()), (sent, cuts) => {
        const found = feed(wire(sent), cuts);
        expect(found.frames.map(({ lane, bytes }) => [lane, bytes.length])).to.deep.equal(
          sent.map(({ lane, size }) => [lane, size]),
        );
        for (const [index, { bytes }] of found.frames.entries()) {
          expect(bytes.every((byte) => byte === sent[index]?.fill)).to.equal(true);
        }
        expect(found.admitted).to.deep.equal(sent.map(({ size }) => size));
      }),
      { numRuns: 200 },
    );
  });

  it('finds them when every byte comes alone', () => {
    const bytes = wire([3, 0, 70, 1].map((size, index) => ({ lane: Lane.data, size, fill: index })));
    const found = feed(bytes, Array.from(bytes.keys()));
    expect(found.frames.map((frame) => frame.bytes.length)).to.deep.equal([3, 0, 70, 1]);
  });

  it('hands out what lies whole in one read without a copy', () => {
    const found = new Found();
    const bytes = wire([{ lane: Lane.data, size: 100, fill: 1 }]);
    let given: Uint8Array | undefined;
    found.frame = (_lane, frame) => void (given = frame);
    found.parser.push(bytes);
    expect(given?.buffer).to.equal(bytes.buffer);
  });

  it('reads nothing after the end', () => {
    const found = new Found();
    found.frame = () => void (found.isReading = false);
    const bytes = wire([1, 2, 3].map((fill) => ({ lane: Lane.data, size: 10, fill })));
    found.parser.push(bytes);
    expect(found.admitted).to.have.length(1);
  });

  const header = (kind: number, lane: number, sequence: number, length: number): Uint8Array =>
    Uint8Array.from([length, length >>> 8, length >>> 16, length >>> 24, kind, lane, sequence, sequence >>> 8]);
  const u32 = (value: number): Uint8Array => new Uint8Array(new Uint32Array([value]).buffer);
  const announced = (size: number): Uint8Array => frameOf(FrameKind.large, Lane.data, 0, u32(size));
  const wrong: Record<string, Uint8Array> = {
    'a kind that is none': header(9, Lane.data, 0, 0),
    'a lane that is none': header(FrameKind.whole, 3, 0, 0),
    'another sequence': header(FrameKind.whole, Lane.data, 1, 0),
    'a payload past the bound': header(FrameKind.whole, Lane.data, 0, limits.frameBytes + 1),
    'a frame of a lane in that of the link': header(FrameKind.whole, LINK_LANE, 0, 0),
    'a control message of the link in a lane': header(FrameKind.close, Lane.control, 0, 0),
    'a piece of nothing': frameOf(FrameKind.piece, Lane.data, 0, new Uint8Array(3)),
    'a large frame that is small': announced(PAYLOAD_BYTES),
    'a large frame past the bound': announced(LARGEST_FRAME_BYTES + 1),
    'an announcement without a size': frameOf(FrameKind.large, Lane.data, 0, new Uint8Array(3)),
    'a large frame within another': Buffer.concat([
      announced(PAYLOAD_BYTES + 1),
      frameOf(FrameKind.large, Lane.data, 1, u32(PAYLOAD_BYTES + 1)),
    ]),
    'another frame between the pieces of one': Buffer.concat([
      announced(PAYLOAD_BYTES + 1),
      frameOf(FrameKind.whole, Lane.data, 1, new Uint8Array(1)),
    ]),
    'pieces larger than what was announced': Buffer.concat([
      announced(PAYLOAD_BYTES + 1),
      frameOf(FrameKind.piece, Lane.data, 1, new Uint8Array(PAYLOAD_BYTES)),
      frameOf(FrameKind.piece, Lane.data, 2, new Uint8Array(2)),
    ]),
  };
  for (const [name, bytes] of Object.entries(wrong)) {
    it(`refuses ${name}`, () => {
      expect(() => new Found().parser.push(new Uint8Array(bytes))).to.throw(ProtocolError);
    });
  }

  it('refuses any other bytes, or waits for more, and never hands out what was not sent', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(200), (garbage, at) => {
        const good = wire([20, 40, 60].map((size) => ({ lane: Lane.data, size, fill: 7 })));
        const bytes = Uint8Array.from([...good.subarray(0, at), ...garbage]);
        const found = new Found();
        try {
          found.parser.push(bytes);
        } catch (error) {
          expect(error).to.be.instanceOf(ProtocolError);
        }
        for (const { lane, bytes: frame } of found.frames) {
          expect([lane === Lane.control || lane === Lane.data, frame.length <= PAYLOAD_BYTES]).to.deep.equal([
            true,
            true,
          ]);
        }
      }),
    );
  });

  it('finds control messages between the frames of lanes', () => {
    const found = new Found();
    found.parser.push(frameOf(FrameKind.ping, LINK_LANE, 0, new Uint8Array(0)));
    found.parser.push(frameOf(FrameKind.close, LINK_LANE, 1, reasonPayload({ kind: 'closed' })));
    expect(found.words).to.deep.equal([FrameKind.ping, FrameKind.close]);
  });
});
