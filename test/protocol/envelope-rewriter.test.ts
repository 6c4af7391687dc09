import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { ProtocolError } from '#src/errors.js';
import {
  EnvelopeHeader,
  EnvelopeMode,
  EnvelopeView,
  lowerRemaining,
  readDelimitedEnvelope,
  v1,
  WireReader,
  WireWriter,
  writeDelimitedEnvelope,
} from '#src/protocol/index.js';
import { loadWithProtobufjs, repository } from '../codegen/everything.js';

const root = loadWithProtobufjs(join(repository, 'protos/millrace/v1/envelope.proto'));
const Envelope = root.lookupType('millrace.v1.Envelope');

const asks = fc
  .record({
    remainingMicroseconds: fc.maxSafeNat(),
    sentMs: fc.oneof(fc.constant(-1), fc.double({ min: 0, noNaN: true })),
    correlation: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
    methodName: fc.string({ maxLength: 20 }),
    chain: fc.array(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), { maxLength: 40 }),
    traceParent: fc.string({ maxLength: 20 }),
    passThrough: fc.option(fc.uint8Array({ maxLength: 20 }), { nil: undefined }),
  })
  .map((fields) => Object.assign(new EnvelopeHeader(), { ...fields, mode: EnvelopeMode.ask, method: 3, hasTo: true }));

/** The frame with this envelope in it, and where it lies. */
function framed(header: EnvelopeHeader, load: Uint8Array): { frame: Uint8Array; start: number; end: number } {
  const writer = new WireWriter(new Uint8Array(4_000).fill(0xaa));
  writer.rewind(7);
  expect(writeDelimitedEnvelope(writer, header, v1.Element, v1.Element.create({ value: load }))).to.equal(0);
  return { frame: writer.bytes, start: 7, end: writer.position };
}

function readAt(frame: Uint8Array, start: number, end: number): EnvelopeView {
  const view = new EnvelopeView();
  expect(readDelimitedEnvelope(new WireReader(frame, start, end), view)).to.equal(true);
  return view;
}

describe('the time that remains in a written envelope', () => {
  it('is lowered in place, and nothing else changes, in our reader and in that of protobufjs', () => {
    fc.assert(
      fc.property(
        asks,
        fc.uint8Array({ maxLength: 300 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, noNaN: true }),
        (header, load, part, sentMs) => {
          const { frame, start, end } = framed(header, load);
          const { remainingMicroseconds: before, sentMs: sentBefore, ...others } = readAt(frame, start, end);
          expect(before).to.equal(header.remainingMicroseconds);
          const outside = [frame.slice(0, start), frame.slice(end)];
          const lowered = Math.floor(before * part);
          lowerRemaining(frame, start, end, before * part, sentMs);
          const { remainingMicroseconds: after, sentMs: sentAfter, ...same } = readAt(frame, start, end);
          expect(after).to.equal(lowered);
          expect(sentAfter).to.equal(sentBefore < 0 ? -1 : sentMs);
          expect(same).to.deep.equal(others);
          expect([frame.slice(0, start), frame.slice(end)]).to.deep.equal(outside);
          const theirs = Envelope.toObject(Envelope.decodeDelimited(frame.subarray(start, end)), { longs: Number });
          expect(theirs).to.have.nested.property('control.remaining_microseconds', lowered);
          expect(theirs).to.have.nested.property('control.correlation', header.correlation);
        },
      ),
    );
  });

  it('is 0 at least', () => {
    const header = Object.assign(new EnvelopeHeader(), { mode: EnvelopeMode.ask, remainingMicroseconds: 1_000_000 });
    const { frame, start, end } = framed(header, new Uint8Array(0));
    lowerRemaining(frame, start, end, -5, 0);
    expect(readAt(frame, start, end).remainingMicroseconds).to.equal(0);
  });

  it('cannot be lowered where there is none', () => {
    const header = Object.assign(new EnvelopeHeader(), { mode: EnvelopeMode.ask, correlation: 5 });
    for (const without of [header, new EnvelopeHeader()]) {
      const { frame, start, end } = framed(without, new Uint8Array(3));
      expect(() => lowerRemaining(frame, start, end, 1, 0)).to.throw(ProtocolError, 'time that remains');
    }
  });
});
