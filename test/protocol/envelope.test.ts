import { expect } from 'chai';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { ProtocolError } from '#src/errors.js';
import { limits } from '#src/limits.js';
import {
  EnvelopeHeader,
  EnvelopeMode,
  EnvelopeView,
  encode,
  type MessageType,
  readDelimitedEnvelope,
  readEnvelope,
  readValue,
  v1,
  WireReader,
  WireWriter,
  writeDelimitedEnvelope,
  writeEnvelope,
} from '#src/protocol/index.js';
import { join } from 'node:path';
import { errorOf, errors } from './envelope-errors.js';
import { loadWithProtobufjs, repository } from '../codegen/everything.js';

type Value = v1.Element | undefined;
const Element: MessageType<v1.Element, v1.ElementInit> = v1.Element;

const root = loadWithProtobufjs(join(repository, 'protos/millrace/v1/envelope.proto'));
const Envelope = root.lookupType('millrace.v1.Envelope');

const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const text = fc.string({ unit: 'binary', maxLength: 60 });
const rarely = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 });

/** A header with any of its parts. */
const headers: fc.Arbitrary<EnvelopeHeader> = fc
  .record({
    to: rarely(fc.tuple(int32, int32)),
    from: rarely(fc.tuple(int32, int32)),
    mode: fc.constantFrom(...Object.values(EnvelopeMode)),
    method: fc.oneof(fc.nat(300), uint32),
    methodName: fc.oneof(fc.constant(''), text),
    error: rarely(errors),
    meta: rarely(
      fc.dictionary(fc.oneof(text, fc.constantFrom('__proto__', 'constructor')), text, {
        maxKeys: 5,
        noNullPrototype: true,
      }),
    ),
    passThrough: rarely(fc.uint8Array({ maxLength: 50 })),
    correlation: fc.oneof(fc.constant(0), uint32),
    remainingMicroseconds: fc.oneof(fc.constant(Number.POSITIVE_INFINITY), fc.maxSafeNat()),
    sentMs: fc.oneof(fc.constant(-1), fc.double({ min: 0, noNaN: true })),
    chain: fc.array(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), { maxLength: 5 }),
    hops: fc.oneof(fc.constant(0), uint32),
    traceParent: fc.oneof(fc.constant(''), text),
    traceState: fc.oneof(fc.constant(''), text),
    credit: fc.oneof(fc.constant(0), fc.maxSafeNat()),
    creditBytes: fc.oneof(fc.constant(0), fc.maxSafeNat()),
    sequence: fc.oneof(fc.constant(0), fc.maxSafeNat()),
    requestStream: fc.oneof(fc.constant(0), uint32),
  })
  .map(({ to, from, meta, ...rest }) => {
    const header = Object.assign(new EnvelopeHeader(), rest);
    // It says nothing on its own, and is not written.
    if (header.traceParent === '') header.traceState = '';
    header.meta = meta === undefined || Object.keys(meta).length === 0 ? undefined : meta;
    if (to !== undefined) [header.hasTo, header.toLow, header.toHigh] = [true, ...to];
    if (from !== undefined) [header.hasFrom, header.fromLow, header.fromHigh] = [true, ...from];
    return header;
  });
const elements = fc
  .record({ writer: uint32, sequence: fc.maxSafeNat(), value: fc.uint8Array({ maxLength: 300 }) })
  .map((init) => v1.Element.create(init));
const values: fc.Arbitrary<Value> = fc.option(elements, { nil: undefined });

describe('the envelope codec', () => {
  it('writes what protobufjs writes, byte for byte', () => {
    fc.assert(
      fc.property(headers, values, (header, value) => {
        expect([...written(header, value)]).to.deep.equal([...Envelope.encode(theirs(header, value)).finish()]);
      }),
    );
  });

  it('reads what protobufjs wrote', () => {
    fc.assert(
      fc.property(headers, values, (header, value) => {
        const bytes = Envelope.encode(theirs(header, value)).finish();
        expectSame(read(bytes), bytes, header, value);
      }),
    );
  });

  it('reads what it wrote, one after another into the same view', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(headers, values), { maxLength: 8 }), (all) => {
        const writer = new WireWriter(new Uint8Array(100_000));
        for (const [header, value] of all) expect(append(writer, header, value)).to.equal(0);
        const frame = writer.bytes.subarray(0, writer.size);
        const reader = new WireReader(frame);
        const view = new EnvelopeView();
        for (const [header, value] of all) {
          expect(readDelimitedEnvelope(reader, view)).to.equal(true);
          expectSame(view, frame, header, value);
        }
        expect(readDelimitedEnvelope(reader, view)).to.equal(false);
      }),
    );
  });

  it('takes what is no time of a clock for none', () => {
    for (const sent_ms of [Number.NaN, -5, Number.NEGATIVE_INFINITY]) {
      const frame = Envelope.encodeDelimited(Envelope.create({ control: { sent_ms } })).finish();
      const view = new EnvelopeView();
      readDelimitedEnvelope(new WireReader(frame), view);
      expect(view.sentMs).to.equal(-1);
    }
  });

  it('leaves the frame as it was and says the size when an envelope does not fit', () => {
    fc.assert(
      fc.property(headers, elements, fc.nat(600), (header, value, room) => {
        const writer = new WireWriter(new Uint8Array(room + 100).fill(0xaa), 50, 50 + room);
        const needed = append(writer, header, value);
        const size = delimited(header, value).length;
        expect(needed).to.equal(size > room ? size : 0);
        expect(writer.size).to.equal(size > room ? 0 : size);
        expect(writer.bytes.subarray(50 + room).every((byte) => byte === 0xaa)).to.equal(true);
      }),
    );
  });

  it('has the modes of envelope.proto', () => {
    const names = Object.entries(EnvelopeMode).map(([name, number]) => [name.toUpperCase(), number]);
    expect(Object.fromEntries(names)).to.deep.equal({ ...root.lookupEnum('millrace.v1.EnvelopeMode').values });
  });

  it('rounds the time that remains down, and never below zero', () => {
    for (const [given, expected] of [
      [1.9, 1],
      [-5, 0],
    ] as const) {
      const header = Object.assign(new EnvelopeHeader(), { remainingMicroseconds: given });
      expect(read(written(header, undefined)).remainingMicroseconds).to.equal(expected);
    }
  });

  describe('at the sender', () => {
    it('refuses a message larger than maxMessageBytes, with the limit and the way out, and leaves the frame as it was', () => {
      const writer = new WireWriter(new Uint8Array(100));
      const value = v1.Element.create({ value: new Uint8Array(1_000) });
      const attempt = () => writeDelimitedEnvelope(writer, new EnvelopeHeader(), Element, value, 500);
      expect(attempt).to.throw(
        ProtocolError,
        /millrace\.v1\.Element takes \d+ bytes.*maxMessageBytes \(500\)\. Split it into several messages, or stream it in parts\./,
      );
      expect(writer.size).to.equal(0);
    });

    it('leaves the frame as it was when the value does not fit its type', () => {
      const writer = new WireWriter(new Uint8Array(100));
      const before = writer.uint32(1).position;
      const wrong = { ...v1.Element.create(), writer: 'x' };
      expect(() => writeDelimitedEnvelope(writer, new EnvelopeHeader(), Element, wrong)).to.throw(
        ProtocolError,
        'Element.writer must be',
      );
      expect(writer.position).to.equal(before);
    });

    it('refuses too much meta, meta that is not text, and a chain without end', () => {
      const attempt = (fields: object) => () => written(Object.assign(new EnvelopeHeader(), fields), undefined);
      expect(attempt({ meta: { a: 'x'.repeat(limits.metaBytes) } })).to.throw(ProtocolError, 'meta');
      expect(attempt({ meta: { a: 5 } })).to.throw(ProtocolError, 'Expected a string');
      expect(attempt({ chain: Array<bigint>(limits.linkCallChain + 1).fill(1n) })).to.throw(ProtocolError, 'chain');
      expect(attempt({ chain: Array<bigint>(limits.linkCallChain).fill(1n) })).not.to.throw();
    });
  });

  describe('given malformed bytes', () => {
    it('refuses with a ProtocolError every envelope that lacks its end', () => {
      fc.assert(
        fc.property(headers, elements, (header, value) => {
          const bytes = delimited(header, value);
          for (let length = 1; length < bytes.length; length++) {
            expect(() => iterate(bytes.subarray(0, length))).to.throw(ProtocolError);
          }
        }),
        { numRuns: 30 },
      );
    });

    it('reads or refuses with a ProtocolError whatever was changed or made up', () => {
      const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
      fc.assert(
        fc.property(headers, elements, changes, (header, value, places) => {
          const bytes = delimited(header, value);
          for (const [place, byte] of places) bytes[place % bytes.length] = byte;
          iterateAll(bytes);
        }),
        { numRuns: 500 },
      );
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => iterateAll(bytes)),
        { numRuns: 1_000 },
      );
    });

    it('goes on with the next envelope of the frame', () => {
      const good = delimited(Object.assign(new EnvelopeHeader(), { method: 7 }), undefined);
      const deep = [0x0b, 0x13, 0x1b];
      for (const bad of [[0x08, 1], [0x00], [0x0a, 0x05], [0x18, 0x63], deep, [0x42, 0x03, 0x0a, 0x7f, 0x61]]) {
        const reader = new WireReader(Uint8Array.from([bad.length, ...bad, ...good]));
        const view = new EnvelopeView();
        expect(() => readDelimitedEnvelope(reader, view), String(bad)).to.throw(ProtocolError);
        expect(readDelimitedEnvelope(reader, view)).to.equal(true);
        expect(view.method).to.equal(7);
        expect(readDelimitedEnvelope(reader, view)).to.equal(false);
      }
    });

    it('ends the frame where a length cannot be right', () => {
      for (const bytes of [[0xff], [0xff, 0xff, 0xff, 0xff, 0x0f], [5, 0x20, 7]]) {
        const reader = new WireReader(Uint8Array.from(bytes));
        expect(() => readDelimitedEnvelope(reader, new EnvelopeView())).to.throw(ProtocolError);
        expect(readDelimitedEnvelope(reader, new EnvelopeView())).to.equal(false);
      }
    });

    it('refuses a known field of a wrong wire type, at every level', () => {
      const wrong: readonly (readonly [name: string, bytes: readonly number[]])[] = [
        ['to', [0x08, 1]],
        ['mode', [0x1a, 0]],
        ['value', [0x30, 1]],
        ['entry of meta', [0x42, 2, 0x08, 1]],
        ['code of error', [0x3a, 2, 0x08, 1]],
        ['correlation', [0x52, 2, 0x08, 1]],
      ];
      for (const [name, bytes] of wrong)
        expect(() => read(Uint8Array.from(bytes)), name).to.throw(ProtocolError, 'wire type');
    });

    it('refuses a mode that it does not know, and skips fields that it does not know', () => {
      expect(() => read(Uint8Array.of(0x18, 7))).to.throw(ProtocolError, 'unknown mode 7');
      expect(read(Uint8Array.of(0x78, 1, 0x20, 9)).method).to.equal(9);
    });

    it('bounds meta, the chain and the envelope', () => {
      const entry = protobuf.Writer.create().uint32(10).string('k').uint32(18).string('v'.repeat(1_000)).finish();
      const meta = protobuf.Writer.create();
      for (let count = 0; count < 17; count++) meta.uint32(66).bytes(entry);
      expect(() => read(meta.finish())).to.throw(ProtocolError, 'meta');
      const packed = protobuf.Writer.create()
        .uint32(26)
        .bytes(new Uint8Array(8 * (limits.linkCallChain + 1)))
        .finish();
      expect(() => read(protobuf.Writer.create().uint32(82).bytes(packed).finish())).to.throw(ProtocolError, 'chain');
      const loose = protobuf.Writer.create();
      for (let count = 0; count <= limits.linkCallChain; count++) loose.uint32(25).fixed64(1);
      expect(() => read(protobuf.Writer.create().uint32(82).bytes(loose.finish()).finish())).to.throw(
        ProtocolError,
        'chain',
      );
      const large = delimited(new EnvelopeHeader(), v1.Element.create({ value: new Uint8Array(1_000) }));
      const reader = new WireReader(large);
      expect(() => readDelimitedEnvelope(reader, new EnvelopeView(), 500)).to.throw(
        ProtocolError,
        'maxMessageBytes (500)',
      );
    });
  });
});

function written(header: EnvelopeHeader, value: Value): Uint8Array {
  const writer = new WireWriter(new Uint8Array(64 * 1024));
  writeEnvelope(writer, header, value === undefined ? undefined : Element, value);
  return writer.bytes.slice(0, writer.size);
}

function delimited(header: EnvelopeHeader, value: Value): Uint8Array {
  const writer = new WireWriter(new Uint8Array(64 * 1024));
  append(writer, header, value);
  return writer.bytes.slice(0, writer.size);
}

function append(writer: WireWriter, header: EnvelopeHeader, value: Value): number {
  return writeDelimitedEnvelope(writer, header, value === undefined ? undefined : Element, value);
}

function read(bytes: Uint8Array): EnvelopeView {
  const view = new EnvelopeView();
  readEnvelope(new WireReader(bytes), bytes.length, view);
  return view;
}

/** Reads a frame; the first error ends it. */
function iterate(frame: Uint8Array): void {
  const reader = new WireReader(frame);
  const view = new EnvelopeView();
  while (readDelimitedEnvelope(reader, view)) expect(view.valueEnd).to.be.within(view.valueStart, frame.length);
}

/** Reads a frame as a router does, errors counted: it ends, and nothing but ProtocolErrors come. */
function iterateAll(frame: Uint8Array): void {
  const reader = new WireReader(frame);
  const view = new EnvelopeView();
  for (let position = -1; position < reader.position && reader.position < frame.length; ) {
    position = reader.position;
    try {
      if (!readDelimitedEnvelope(reader, view)) return;
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
    }
  }
  expect(reader.position).to.equal(frame.length);
}

function expectSame(view: EnvelopeView, frame: Uint8Array, header: EnvelopeHeader, value: Value): void {
  const { start: _start, end: _end, valueStart, valueEnd, valueBytes, sizeBytes: _read, ...rest } = view;
  const { valueBytes: _value, sizeBytes: _written, ...expected } = header;
  expect(valueBytes).to.equal(valueEnd - valueStart);
  expect(rest).to.deep.equal(expected);
  expect(readValue(Element, new WireReader(), frame, valueStart, valueEnd)).to.deep.equal(value ?? v1.Element.create());
}

/** The same envelope as protobufjs has it. */
function theirs(header: EnvelopeHeader, value: Value): protobuf.Message {
  const long = (low: number, high: number) => ({ low, high, unsigned: true });
  const { mode, method, methodName, error, meta, passThrough, correlation, chain, hops, traceParent } = header;
  const { remainingMicroseconds, sentMs, traceState, credit, creditBytes, sequence, requestStream } = header;
  const numbers = { correlation, hops, credit, sequence, credit_bytes: creditBytes, request_stream: requestStream };
  const control = {
    ...Object.fromEntries(Object.entries(numbers).filter(([, number]) => number !== 0)),
    ...(remainingMicroseconds !== Number.POSITIVE_INFINITY && { remaining_microseconds: remainingMicroseconds }),
    ...(chain.length > 0 && {
      chain: chain.map((id) => long(Number(BigInt.asIntN(32, id)), Number(BigInt.asIntN(32, id >> 32n)))),
    }),
    ...(traceParent !== '' && { trace_parent: traceParent }),
    ...(sentMs >= 0 && { sent_ms: sentMs }),
    ...(traceState !== '' && { trace_state: traceState }),
  };
  const encoded = value === undefined ? new Uint8Array(0) : encode(v1.Element, value);
  return Envelope.create({
    ...(header.hasTo && { to: long(header.toLow, header.toHigh) }),
    ...(header.hasFrom && { from: long(header.fromLow, header.fromHigh) }),
    ...(mode !== 0 && { mode }),
    ...(method !== 0 && { method }),
    ...(methodName !== '' && { method_name: methodName }),
    ...(encoded.length > 0 && { value: encoded }),
    ...(error !== undefined && { error: errorOf(error) }),
    ...(meta !== undefined && { meta }),
    ...(passThrough !== undefined && { pass_through: passThrough }),
    ...(Object.keys(control).length > 0 && { control }),
  });
}
