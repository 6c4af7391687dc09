import { expect } from 'chai';
import fc from 'fast-check';
import { ProtocolError } from '#src/errors.js';
import {
  EnvelopeHeader,
  EnvelopeMode,
  EnvelopePrefix,
  EnvelopeView,
  encodedSender,
  type MessageType,
  readDelimitedEnvelope,
  readEnvelope,
  readValue,
  v1,
  WireReader,
  WireWriter,
  writeDelimitedEnvelope,
} from '#src/protocol/index.js';

const Element: MessageType<v1.Element, v1.ElementInit> = v1.Element;

/** One envelope of a frame: a tell, or a reply. */
interface Sent {
  readonly to: readonly [low: number, high: number];
  readonly from: readonly [low: number, high: number] | undefined;
  readonly method: number;
  readonly correlation: number;
  readonly value: Uint8Array;
}

const id = fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: -1, max: 1 }));
const sizes = fc.oneof(fc.nat(3), fc.integer({ min: 100, max: 140 }), fc.integer({ min: 16_300, max: 16_500 }));
const sent: fc.Arbitrary<Sent> = fc.record({
  to: id,
  from: fc.option(id, { nil: undefined }),
  method: fc.constantFrom(1, 2, 200),
  correlation: fc.constantFrom(0, 0, 0, 7),
  value: sizes.map((size) => new Uint8Array(size).fill(size)),
});
const frames = fc.array(sent, { maxLength: 12 });

describe('a prefix of envelopes', () => {
  it('makes tells that read as those with a header, beside other envelopes, in values of any size', () => {
    fc.assert(
      fc.property(frames, (all) => {
        const frame = prefixed(all);
        const plain = frameOf(all, (one) => headerOf(one));
        expect(frame.length).to.equal(plain.length);
        expect(read(frame)).to.deep.equal(read(plain));
      }),
    );
  });

  it('says how much room a tell needs, whatever size was expected, and fits into that', () => {
    fc.assert(
      fc.property(sent, sent, fc.nat(300), (one, next, room) => {
        const prefix = prefixOf(one);
        append(new WireWriter(new Uint8Array(20_000)), prefix, one.value);
        const writer = new WireWriter(new Uint8Array(room + 100).fill(0xaa), 50, 50 + room);
        const needed = append(writer, prefix, next.value);
        expect(writer.bytes.subarray(50 + room).every((byte) => byte === 0xaa)).to.equal(true);
        if (needed === 0) return;
        expect(writer.size).to.equal(0);
        const larger = new WireWriter(new Uint8Array(needed));
        expect(append(larger, prefix, next.value)).to.equal(0);
        const again = { ...next, to: one.to, from: one.from, method: one.method, correlation: 0 };
        expect(read(larger.bytes.subarray(0, larger.size))).to.deep.equal(read(prefixed([again])));
      }),
    );
  });

  it('leaves the frame as it was when the value does not fit its type, or is too large', () => {
    const writer = new WireWriter(new Uint8Array(100));
    const before = writer.uint32(1).position;
    const prefix = new EnvelopePrefix(1, 2, 3);
    const write = (value: unknown, most: number) => () => writeDelimitedEnvelope(writer, prefix, Element, value, most);
    expect(write({ ...v1.Element.create(), writer: 'x' }, 500)).to.throw(ProtocolError, 'Element.writer must be');
    expect(write(v1.Element.create({ value: new Uint8Array(1_000) }), 500)).to.throw(
      ProtocolError,
      'maxMessageBytes (500)',
    );
    expect(writer.position).to.equal(before);
  });
});

describe('an envelope that begins as the one before', () => {
  it('shows in a view that is used again what a new view shows', () => {
    fc.assert(
      fc.property(frames, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }), (all, changes) => {
        const frame = prefixed(all);
        for (const [place, byte] of changes) if (frame.length > 0) frame[place % frame.length] = byte;
        expectAlike(frame);
      }),
      { numRuns: 500 },
    );
  });

  it('is a repeat when nothing differs but the value, and no envelope is one otherwise', () => {
    const one: Sent = { to: [1, 1], from: undefined, method: 1, correlation: 0, value: Uint8Array.of(1) };
    const longer = { ...one, value: new Uint8Array(300) };
    const reply = { ...one, correlation: 5 };
    const fromOther: Sent = { ...one, from: [2, 1] };
    const frame = prefixed([one, one, longer, reply, reply, one, fromOther, fromOther, { ...one, method: 2 }]);
    const repeats = [false, true, true, false, false, false, false, true, false];
    expect(read(frame).map(({ isRepeat }) => isRepeat)).to.deep.equal(repeats);
  });

  it('is not read as a repeat where fields follow the value', () => {
    const frame = prefixed([
      { to: [1, 1], from: undefined, method: 1, correlation: 0, value: Uint8Array.of(1) },
      { to: [1, 1], from: undefined, method: 1, correlation: 9, value: Uint8Array.of(2) },
    ]);
    // A tell with a correlation means nothing, but is no repeat of one without.
    expect(read(frame).map(({ isRepeat, correlation }) => [isRepeat, correlation])).to.deep.equal([
      [false, 0],
      [false, 9],
    ]);
  });
});

/** Reads as a router does, each envelope in a view of its own, too. */
function expectAlike(frame: Uint8Array): void {
  const reader = new WireReader(frame);
  const view = new EnvelopeView();
  while (reader.position < frame.length) {
    const before = reader.position;
    const [shown, fresh] = [readOne(reader, view), readOne(new WireReader(frame, before), new EnvelopeView())];
    expect(shown).to.deep.equal(fresh);
    if (reader.position === before) return;
  }
}

function readOne(reader: WireReader, view: EnvelopeView): unknown {
  try {
    return readDelimitedEnvelope(reader, view) && fieldsOf(view);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return error.message;
  }
}

/** All that a view shows. */
function fieldsOf(view: EnvelopeView): Pick<EnvelopeView, 'start' | 'end' | 'valueStart' | 'valueEnd'> {
  return Object.assign({ start: 0, end: 0, valueStart: 0, valueEnd: 0 }, view);
}

function read(frame: Uint8Array) {
  const reader = new WireReader(frame);
  const view = new EnvelopeView();
  const all: { isRepeat: boolean; correlation: number; fields: object }[] = [];
  while (readDelimitedEnvelope(reader, view)) {
    const { start, end, valueStart, valueEnd, ...fields } = fieldsOf(view);
    const alone = new EnvelopeView();
    readEnvelope(new WireReader(frame, end - view.sizeBytes, end), end, alone);
    expect({ ...fieldsOf(alone), start, end }).to.deep.equal(fieldsOf(view));
    const value = readValue(Element, new WireReader(), frame, valueStart, valueEnd);
    all.push({ isRepeat: view.isRepeat, correlation: view.correlation, fields: { ...fields, value } });
  }
  return all;
}

/** With a prefix for each receiver, sender and method, as long as nothing else is to be said. */
function prefixed(all: readonly Sent[]): Uint8Array {
  const prefixes = new Map<string, EnvelopePrefix>();
  return frameOf(all, (one) => {
    if (one.correlation !== 0) return headerOf(one);
    const key = `${one.to.join()} ${one.method}`;
    const prefix = prefixes.get(key) ?? prefixOf(one);
    prefixes.set(key, prefix);
    prefix.from = one.from && encodedSender(...one.from);
    return prefix;
  });
}

function frameOf(all: readonly Sent[], envelopeOf: (one: Sent) => EnvelopeHeader | EnvelopePrefix): Uint8Array {
  const writer = new WireWriter(new Uint8Array(250_000));
  for (const one of all) expect(append(writer, envelopeOf(one), one.value)).to.equal(0);
  return writer.bytes.slice(0, writer.size);
}

function append(writer: WireWriter, envelope: EnvelopeHeader | EnvelopePrefix, value: Uint8Array): number {
  return writeDelimitedEnvelope(writer, envelope, Element, v1.Element.create({ value }));
}

function prefixOf({ to, from, method }: Sent): EnvelopePrefix {
  const prefix = new EnvelopePrefix(...to, method);
  prefix.from = from && encodedSender(...from);
  return prefix;
}

function headerOf({ to, from, method, correlation }: Sent): EnvelopeHeader {
  const header = new EnvelopeHeader();
  [header.hasTo, header.toLow, header.toHigh] = [true, ...to];
  if (from !== undefined) [header.hasFrom, header.fromLow, header.fromHigh] = [true, ...from];
  Object.assign(header, { method, correlation, mode: EnvelopeMode.tell });
  return header;
}
