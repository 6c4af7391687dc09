import { expect } from 'chai';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { ProtocolError } from '#src/errors.js';
import { WireReader, WireWriter } from '#src/protocol/index.js';

/** One call of the writer, and the reader's that undoes it. */
type Step = readonly [write: (writer: WireWriter) => void, read: (reader: WireReader) => unknown, value: unknown];

const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const exact = fc.maxSafeInteger();
const exactPositive = fc.maxSafeNat();

const step: fc.Arbitrary<Step> = fc.oneof(
  uint32.map((v): Step => [(w) => w.uint32(v), (r) => r.uint32(), v]),
  int32.map((v): Step => [(w) => w.int32(v), (r) => r.int32(), v]),
  int32.map((v): Step => [(w) => w.sint32(v), (r) => r.sint32(), v]),
  uint32.map((v): Step => [(w) => w.fixed32(v), (r) => r.fixed32(), v]),
  int32.map((v): Step => [(w) => w.sfixed32(v), (r) => r.sfixed32(), v]),
  uint64.map((v): Step => [(w) => w.uint64(v), (r) => r.uint64(), v]),
  int64.map((v): Step => [(w) => w.int64(v), (r) => r.int64(), v]),
  int64.map((v): Step => [(w) => w.sint64(v), (r) => r.sint64(), v]),
  uint64.map((v): Step => [(w) => w.fixed64(v), (r) => r.fixed64(), v]),
  int64.map((v): Step => [(w) => w.sfixed64(v), (r) => r.sfixed64(), v]),
  exactPositive.map((v): Step => [(w) => w.uint64Number(v), (r) => r.uint64Number(), v]),
  exact.map((v): Step => [(w) => w.int64Number(v), (r) => r.int64Number(), v]),
  exact.map((v): Step => [(w) => w.sint64Number(v), (r) => r.sint64Number(), v]),
  exactPositive.map((v): Step => [(w) => w.fixed64Number(v), (r) => r.fixed64Number(), v]),
  exact.map((v): Step => [(w) => w.sfixed64Number(v), (r) => r.sfixed64Number(), v]),
  fc.tuple(int32, int32).map(([low, high]): Step => [(w) => w.fixed64Parts(low, high), readFixedParts, [low, high]]),
  fc.tuple(int32, int32).map(([low, high]): Step => [(w) => w.uint64Parts(low, high), readParts, [low, high]]),
  fc.boolean().map((v): Step => [(w) => w.bool(v), (r) => r.bool(), v]),
  fc.float().map((v): Step => [(w) => w.float(v), (r) => r.float(), v]),
  fc.double().map((v): Step => [(w) => w.double(v), (r) => r.double(), v]),
  fc.string({ unit: 'binary', maxLength: 300 }).map((v): Step => [(w) => w.string(v), (r) => r.string(), v]),
  fc.string({ maxLength: 300 }).map((v): Step => [(w) => w.string(v), (r) => r.string(), v]),
  fc.uint8Array({ maxLength: 300 }).map((v): Step => [(w) => w.blob(v), (r) => r.blob(), v]),
  fc.integer({ min: 8, max: 2 ** 32 - 1 }).map((v): Step => [(w) => w.tag(v), (r) => r.tag(), v]),
);
const nested: fc.Arbitrary<Step> = fc
  .array(step, { maxLength: 20 })
  .map((steps) => [
    (writer) => writer.message({ write: () => writeAll(writer, steps) }, undefined),
    (reader) => reader.message({ read: () => steps.map(([, read]) => read(reader)) }),
    steps.map(([, , value]) => value),
  ]);
const steps = fc.array(fc.oneof({ weight: 4, arbitrary: step }, nested), { maxLength: 30 });

describe('WireWriter and WireReader', () => {
  it('read what was written', () => {
    fc.assert(
      fc.property(steps, fc.nat(20), (all, offset) => {
        const bytes = new Uint8Array(20_000);
        const writer = new WireWriter(bytes, offset);
        writeAll(writer, all);
        const reader = new WireReader(bytes, offset, writer.position);
        for (const [, read, value] of all) expect(read(reader)).to.deep.equal(value);
        expect(reader.position).to.equal(reader.end);
      }),
    );
  });

  it('in a region that is too small never touch what is outside, and know the size that is needed', () => {
    fc.assert(
      fc.property(steps, fc.nat(2_000), fc.nat(8), (all, room, offset) => {
        const large = new WireWriter(new Uint8Array(20_000));
        writeAll(large, all);
        const bytes = new Uint8Array(offset + room + 64).fill(0xaa);
        const writer = new WireWriter(bytes, offset, offset + room);
        writeAll(writer, all);
        expect(writer.size).to.equal(large.size);
        expect(writer.overflowed).to.equal(large.size > room);
        expect(bytes.subarray(0, offset).every((byte) => byte === 0xaa)).to.equal(true);
        expect(bytes.subarray(offset + room).every((byte) => byte === 0xaa)).to.equal(true);
        if (!writer.overflowed) {
          expect(bytes.subarray(offset, writer.position)).to.deep.equal(large.bytes.subarray(0, large.size));
        }
      }),
    );
  });

  it('lengths of every size in varint bytes come out right, whatever room was left for them', () => {
    for (const length of [0, 1, 127, 128, 129, 16_383, 16_384, 2_097_151, 2_097_152]) {
      const content = new Uint8Array(length).fill(7);
      const expected = protobuf.Writer.create().bytes(content).finish();
      const writer = new WireWriter(new Uint8Array(length + 8));
      const mark = writer.open();
      for (let index = 0; index < length; index++) writer.tag(7);
      writer.close(mark);
      expect(Buffer.compare(writer.bytes.subarray(0, writer.size), expected), String(length)).to.equal(0);
    }
  });

  it('after rewind write over what did not fit', () => {
    const writer = new WireWriter(new Uint8Array(4));
    const before = writer.uint32(5).position;
    expect(writer.string('too long').overflowed).to.equal(true);
    expect(writer.rewind(before).overflowed).to.equal(false);
    expect([...writer.string('ok').bytes]).to.deep.equal([5, 2, 111, 107]);
  });

  it('every read within random bytes gives a value or a ProtocolError, and stays inside', () => {
    const reads = fc.array(step, { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), reads, fc.nat(10), (bytes, all, margin) => {
        const padded = new Uint8Array(bytes.length + 2 * margin).fill(1);
        padded.set(bytes, margin);
        const reader = new WireReader(padded, margin, margin + bytes.length);
        try {
          for (const [, read] of all) read(reader);
        } catch (error) {
          if (!(error instanceof ProtocolError)) throw error;
        }
        expect(reader.position).to.be.at.most(margin + bytes.length);
      }),
      { numRuns: 1_000 },
    );
  });

  it('an absurd length is refused before anything is allocated', () => {
    for (const length of [[5], [0xff, 0xff, 0xff, 0xff, 0x07], [0xff, 0xff, 0xff, 0xff, 0x0f]]) {
      for (const read of [(r: WireReader) => r.blob(), (r: WireReader) => r.string(), (r: WireReader) => r.narrow()]) {
        expect(() => read(new WireReader(Uint8Array.of(...length, 1, 2)))).to.throw(ProtocolError, 'Truncated');
      }
    }
  });

  it('a length of 2^32 or more is refused, and never cut to its lower bits', () => {
    const lengths = fc.bigInt({ min: 2n ** 32n, max: 2n ** 64n - 1n });
    const reads: readonly ((reader: WireReader) => unknown)[] = [
      (reader) => reader.blob(),
      (reader) => reader.string(),
      (reader) => reader.narrow(),
      (reader) => reader.skipLength(),
      (reader) => reader.message({ read: () => reader.position }),
      (reader) => reader.skip(10),
    ];
    fc.assert(
      fc.property(lengths, fc.constantFrom(...reads), fc.nat(40), (length, read, room) => {
        const bytes = new Uint8Array(10 + room);
        const end = new WireWriter(bytes).uint64(length).position + room;
        expect(() => read(new WireReader(bytes, 0, end))).to.throw(
          ProtocolError,
          'The length at offset 0 is 2^32 or more',
        );
      }),
    );
  });

  it('a length in more bytes than it needs is read as what it is', () => {
    const lengths = fc.nat(20);
    fc.assert(
      fc.property(lengths, fc.integer({ min: 1, max: 10 }), (length, size) => {
        const padded = Array.from(
          { length: size },
          (_, index) => (index === 0 ? length : 0) | (index < size - 1 ? 128 : 0),
        );
        const reader = new WireReader(Uint8Array.of(...padded, ...Array<number>(length).fill(7)));
        expect([...reader.blob()]).to.deep.equal(Array<number>(length).fill(7));
        expect(reader.position).to.equal(reader.end);
      }),
    );
  });

  it('what is 2^32 bytes or longer is refused by the writer, in any nesting', () => {
    // Never touched, so that it takes no memory: the region has no room for it.
    const large = new Uint8Array(2 ** 28);
    const writeLarge = (writer: WireWriter, count: number) => {
      for (let index = 0; index < count; index++) writer.tag(10).blob(large);
    };
    const fits = new WireWriter(new Uint8Array(8));
    expect(fits.message({ write: () => writeLarge(fits, 15) }, undefined).size).to.be.greaterThan(15 * 2 ** 28);
    for (const count of [16, 17, 40]) {
      const writer = new WireWriter(new Uint8Array(8));
      const write = () => writer.message({ write: () => writeLarge(writer, count) }, undefined);
      expect(write, String(count)).to.throw(ProtocolError, 'lengths are below 2^32');
      const outer = new WireWriter(new Uint8Array(8));
      const mark = outer.open();
      writeLarge(outer, count);
      expect(() => outer.close(mark), String(count)).to.throw(ProtocolError, 'lengths are below 2^32');
    }
  });

  it('a varint ends by its tenth byte', () => {
    const ten = [...Array<number>(9).fill(0xff), 1];
    expect(new WireReader(Uint8Array.from(ten)).uint64()).to.equal(2n ** 64n - 1n);
    expect(new WireReader(Uint8Array.from(ten)).int32()).to.equal(-1);
    const eleven = Uint8Array.from([...Array<number>(10).fill(0x80), 1]);
    expect(() => new WireReader(eleven).uint64()).to.throw(ProtocolError, 'longer than 10 bytes');
    expect(() => new WireReader(eleven).uint32()).to.throw(ProtocolError, 'longer than 10 bytes');
  });

  it('a boolean is true when any bit of its varint is', () => {
    expect(new WireReader(Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x80, 0x01)).bool()).to.equal(true);
    expect(new WireReader(Uint8Array.of(0x80, 0x00)).bool()).to.equal(false);
  });

  it('field number 0, keys beyond 32 bits and unknown wire types are refused', () => {
    for (const bytes of [[0x00], [0x07], [0x80, 0x80, 0x80, 0x80, 0x10], [0x88, 0x80, 0x80, 0x80, 0x80, 0x00]]) {
      expect(() => new WireReader(Uint8Array.from(bytes)).tag()).to.throw(ProtocolError, 'field key');
    }
    for (const wire of [4, 6, 7]) {
      expect(() => new WireReader(Uint8Array.of(0)).skip(8 + wire)).to.throw(ProtocolError, `wire type ${wire}`);
    }
  });

  it('a region outside the array is refused', () => {
    const bytes = new Uint8Array(4);
    expect(() => new WireReader(bytes, 0, 5)).to.throw(ProtocolError);
    expect(() => new WireReader(bytes, 3, 2)).to.throw(ProtocolError);
    expect(() => new WireWriter(bytes, -1, 2)).to.throw(ProtocolError);
  });
});

function writeAll(writer: WireWriter, all: readonly Step[]): void {
  for (const [write] of all) write(writer);
}

function readFixedParts(reader: WireReader): readonly number[] {
  reader.fixed64Parts();
  return [reader.low, reader.high];
}

function readParts(reader: WireReader): readonly number[] {
  reader.varint64();
  return [reader.low, reader.high];
}
