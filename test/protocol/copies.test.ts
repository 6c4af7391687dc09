import { MessageChannel } from 'node:worker_threads';
import { expect } from 'chai';
import fc from 'fast-check';
import { WireReader, WireWriter } from '#src/protocol/wire/index.js';

/** Reads what was written, each with the same reader, and then destroys what was read from. */
function readAll(values: readonly Uint8Array[]): Uint8Array[] {
  const bytes = new Uint8Array(values.reduce((sum, { length }) => sum + length + 5, 0));
  const writer = new WireWriter(bytes);
  for (const value of values) writer.blob(value);
  const reader = new WireReader(bytes, 0, writer.position);
  const read = values.map(() => reader.blob());
  bytes.fill(0xee);
  return read;
}

const filled = (length: number, index: number): Uint8Array => new Uint8Array(length).fill(index % 251);
const sizes = fc.array(fc.oneof(fc.nat(200), fc.nat(5_000), fc.constantFrom(0, 64, 65, 2_048, 2_049)), {
  minLength: 1,
  maxLength: 60,
});

describe('bytes that one reader has copied out', () => {
  it('are nobody else’s, whatever is written to the others or to the input', () => {
    fc.assert(
      fc.property(sizes, (lengths) => {
        const values = lengths.map(filled);
        const read = readAll(values);
        for (const [index, bytes] of read.entries()) {
          expect(bytes.constructor).to.equal(Uint8Array);
          expect(bytes).to.deep.equal(values[index]);
          bytes.fill(0xff);
        }
      }),
    );
  });

  it('can be read as numbers of any size', () => {
    for (const bytes of readAll(Array.from({ length: 300 }, (_, index) => filled(65 + index * 3, index)))) {
      expect(bytes.byteOffset % 8).to.equal(0);
    }
  });

  it('lie together where they are small, so that many cost one allocation; alone, and where they are large, they do not', () => {
    const memories = (count: number, length: number): number =>
      new Set(readAll(Array.from({ length: count }, (_, index) => filled(length, index))).map(({ buffer }) => buffer))
        .size;
    expect(memories(1_000, 100)).to.be.lessThan(15);
    expect(memories(100, 4_096)).to.equal(100);
    const [only] = readAll([filled(100, 1)]);
    expect(only?.buffer.byteLength).to.equal(100);
  });

  it('stay when those beside them are to be transferred to another thread', () => {
    const read = readAll(Array.from({ length: 50 }, (_, index) => filled(100, index)));
    const { port1 } = new MessageChannel();
    for (const bytes of read.slice(1)) {
      try {
        port1.postMessage(bytes, [bytes.buffer as ArrayBuffer]);
      } catch (error) {
        // Node 20 copies what cannot be transferred, later ones say so.
        expect(error).to.have.property('name', 'DataCloneError');
      }
    }
    port1.close();
    for (const [index, bytes] of read.entries()) expect(bytes).to.deep.equal(filled(100, index));
  });
});
