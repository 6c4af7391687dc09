import { expect } from 'chai';
import fc from 'fast-check';
import { ProtocolError } from '#src/errors.js';
import {
  type EnvelopeControl,
  EnvelopeHeader,
  EnvelopeMode,
  EnvelopePrefix,
  EnvelopeView,
  encodedSender,
  type MessageType,
  type Meta,
  readDelimitedEnvelope,
  readEnvelope,
  readValue,
  v1,
  WireReader,
  WireWriter,
  writeDelimitedEnvelope,
} from '#src/protocol/index.js';

const Element: MessageType<v1.Element, v1.ElementInit> = v1.Element;

/** One envelope of a frame. */
interface Sent extends EnvelopeControl {
  readonly mode: EnvelopeMode;
  /** Undefined for a reply and an element. */
  readonly to: readonly [low: number, high: number] | undefined;
  readonly from: readonly [low: number, high: number] | undefined;
  readonly method: number;
  readonly meta: Meta | undefined;
  readonly value: Uint8Array;
}

const NO_CONTROL: EnvelopeControl = {
  correlation: 0,
  remainingMicroseconds: Number.POSITIVE_INFINITY,
  sentMs: -1,
  chain: [],
  sequence: 0,
};
const TELL: Sent = {
  ...NO_CONTROL,
  mode: EnvelopeMode.tell,
  to: [1, 1],
  from: undefined,
  method: 1,
  meta: undefined,
  value: Uint8Array.of(1),
};

const id = fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: -1, max: 1 }));
const sizes = fc.oneof(fc.nat(3), fc.integer({ min: 100, max: 140 }), fc.integer({ min: 16_300, max: 16_500 }));
const control: fc.Arbitrary<EnvelopeControl> = fc.oneof(
  fc.constant(NO_CONTROL),
  fc.record({
    correlation: fc.integer({ min: 1, max: 0xffffffff }),
    remainingMicroseconds: fc.constantFrom(Number.POSITIVE_INFINITY, 0, 5_000_000),
    sentMs: fc.constantFrom(-1, 0, 1_234.5),
    chain: fc.array(fc.bigInt({ min: 0n, max: 3n }), { maxLength: 2 }),
    sequence: fc.nat(300),
  }),
);
const value = sizes.map((size) => new Uint8Array(size).fill(size));
const meta = fc.constantFrom(undefined, undefined, undefined, { user: 'ann' });
const called = fc.record({
  mode: fc.constantFrom(EnvelopeMode.tell, EnvelopeMode.ask),
  to: id,
  from: fc.option(id, { nil: undefined }),
  method: fc.constantFrom(1, 2, 200),
  control,
  meta,
  value,
});
const answered = fc.record({
  mode: fc.constantFrom(EnvelopeMode.reply, EnvelopeMode.element),
  to: fc.constant(undefined),
  from: fc.constant(undefined),
  method: fc.constant(0),
  control,
  meta,
  value,
});
const sent: fc.Arbitrary<Sent> = fc
  .oneof(called, answered)
  .map(({ control: carried, ...fields }) => ({ ...fields, ...carried }));
const frames = fc.array(sent, { maxLength: 12 });

describe('a prefix of envelopes', () => {
  it('makes tells, asks, replies and elements that read as those with a header, in values of any size', () => {
    fc.assert(
      fc.property(frames, (all) => {
        const frame = prefixed(all);
        const plain = frameOf(all, (one) => headerOf(one));
        expect(frame.length).to.equal(plain.length);
        expect(read(frame)).to.deep.equal(read(plain));
      }),
    );
  });

  it('says how much room an envelope needs, whatever size was expected, and fits into that', () => {
    fc.assert(
      fc.property(sent, sent, fc.nat(300), (one, next, room) => {
        const prefix = prefixOf(one);
        append(new WireWriter(new Uint8Array(20_000)), prefix, one.value);
        setControl(prefix, next);
        const writer = new WireWriter(new Uint8Array(room + 100).fill(0xaa), 50, 50 + room);
        const needed = append(writer, prefix, next.value);
        expect(writer.bytes.subarray(50 + room).every((byte) => byte === 0xaa)).to.equal(true);
        if (needed === 0) return;
        expect(writer.size).to.equal(0);
        const larger = new WireWriter(new Uint8Array(needed));
        expect(append(larger, prefix, next.value)).to.equal(0);
        const { mode, to, from, method } = one;
        const again = { ...next, mode, to, from, method, meta: undefined };
        expect(read(larger.bytes.subarray(0, larger.size))).to.deep.equal(read(prefixed([again])));
      }),
    );
  });

  it('leaves the frame as it was when the value does not fit its type, or is too large', () => {
    const writer = new WireWriter(new Uint8Array(100));
    const before = writer.uint32(1).position;
    const prefix = new EnvelopePrefix(EnvelopeMode.tell, { toLow: 1, toHigh: 2, method: 3 });
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

  it('is a repeat when nothing differs but the value and the control fields, and no envelope is one otherwise', () => {
    const longer = { ...TELL, value: new Uint8Array(300) };
    const ask = { ...TELL, mode: EnvelopeMode.ask, correlation: 5, remainingMicroseconds: 7 };
    const reply = { ...TELL, mode: EnvelopeMode.reply, to: undefined, method: 0, correlation: 5 };
    const fromOther: Sent = { ...TELL, from: [2, 1] };
    const rows: readonly (readonly [Sent, isRepeat: boolean])[] = [
      [TELL, false],
      [TELL, true],
      [longer, true],
      [ask, false],
      [{ ...ask, correlation: 6, sentMs: 3 }, true],
      [ask, true],
      [reply, false],
      [{ ...reply, correlation: 6, sequence: 2 }, true],
      [TELL, false],
      [fromOther, false],
      [fromOther, true],
      [{ ...TELL, method: 2 }, false],
      [{ ...TELL, method: 2, meta: { user: 'ann' } }, false],
      [{ ...TELL, method: 2 }, false],
    ];
    expect(read(prefixed(rows.map(([one]) => one))).map(({ isRepeat }) => isRepeat)).to.deep.equal(
      rows.map(([, isRepeat]) => isRepeat),
    );
  });

  it('has no control fields of the one before', () => {
    const ask = { ...TELL, correlation: 9, remainingMicroseconds: 7, sentMs: 3, chain: [1n], sequence: 4 };
    const all = [TELL, ask, TELL, { ...TELL, correlation: 2 }];
    const shown = read(prefixed(all)).map(({ isRepeat, fields }) => ({ isRepeat, ...fields }));
    expect(shown.map(({ isRepeat }) => isRepeat)).to.deep.equal([false, true, true, true]);
    for (const [index, one] of all.entries()) expect(shown[index]).to.deep.include(controlOf(one));
  });

  it('is read in full where something else follows the value, or comes before it', () => {
    const frames = [
      [50, 0, 82, 0, 9, ...NOBODY],
      [9, ...NOBODY, 50, 0, 82, 0, 82, 5, 13, 7, 0, 0, 0],
      [9, ...NOBODY, 82, 5, 13, 7, 0, 0, 0, 50, 0],
      [9, ...NOBODY, 50, 0, 82, 5, 13, 7, 0, 0, 0, 50, 0],
      [9, ...NOBODY, 50, 0, 50, 0, 82, 5, 13, 7, 0, 0, 0],
      [9, ...NOBODY, 50, 0, 82, 5, 13, 7, 0, 0, 0, 74, 0],
    ];
    for (const envelope of frames) {
      const plain = [9, ...NOBODY, 50, 0];
      const all = [envelope, envelope, plain, envelope, plain, plain];
      expectAlike(Uint8Array.from(all.flatMap((bytes) => [bytes.length, ...bytes])));
    }
  });
});

/** The id of an actor. */
const NOBODY = [1, 0, 0, 0, 2, 0, 0, 0];

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

/** With a prefix for each receiver, sender and method, as long as it can say all. */
function prefixed(all: readonly Sent[]): Uint8Array {
  const prefixes = new Map<string, EnvelopePrefix>();
  return frameOf(all, (one) => {
    if (one.meta !== undefined) return headerOf(one);
    const key = `${one.mode} ${one.to?.join()} ${one.method}`;
    const prefix = prefixes.get(key) ?? prefixOf(one);
    prefixes.set(key, prefix);
    prefix.from = one.from && encodedSender(...one.from);
    setControl(prefix, one);
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

function prefixOf({ mode, to, from, method, ...control }: Sent): EnvelopePrefix {
  const prefix = new EnvelopePrefix(mode, to && { toLow: to[0], toHigh: to[1], method });
  prefix.from = from && encodedSender(...from);
  setControl(prefix, control);
  return prefix;
}

function headerOf({ mode, to, from, method, meta: carried, ...control }: Sent): EnvelopeHeader {
  const header = new EnvelopeHeader();
  if (to !== undefined) [header.hasTo, header.toLow, header.toHigh] = [true, ...to];
  if (from !== undefined) [header.hasFrom, header.fromLow, header.fromHigh] = [true, ...from];
  [header.mode, header.method, header.meta] = [mode, method, carried];
  setControl(header, control);
  return header;
}

function setControl(envelope: EnvelopeControl, one: EnvelopeControl): void {
  Object.assign(envelope, controlOf(one));
}

function controlOf({ correlation, remainingMicroseconds, sentMs, chain, sequence }: EnvelopeControl): EnvelopeControl {
  return { correlation, remainingMicroseconds, sentMs, chain, sequence };
}
