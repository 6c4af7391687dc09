import { expect } from 'chai';
import fc from 'fast-check';
import { ProtocolError } from '#src/errors.js';
import { limits } from '#src/limits.js';
import {
  decode,
  encode,
  EnvelopeHeader,
  EnvelopeView,
  type MessageType,
  readDelimitedEnvelope,
  readValue,
  WireReader,
  WireWriter,
  writeDelimitedEnvelope,
} from '#src/protocol/index.js';

/** A tree of messages: each has children, bytes, texts and numbers. */
interface Tree {
  readonly children: readonly Tree[];
  readonly bytes: readonly Uint8Array[];
  readonly texts: readonly string[];
  readonly numbers: readonly bigint[];
}

/** As `millrace gen` makes it, with its estimates of memory. */
const Tree: MessageType<Tree, Partial<Tree>> = {
  typeName: 'test.Tree',
  create: (init = {}) => ({ children: [], bytes: [], texts: [], numbers: [], ...init }),
  write: ({ children = [], bytes = [], texts = [], numbers = [] }, writer) => {
    for (const child of children) writer.tag(10).message(Tree, child);
    for (const item of bytes) writer.tag(18).blob(item);
    for (const item of texts) writer.tag(26).string(item);
    if (numbers.length === 0) return;
    const mark = writer.tag(34).open();
    for (const item of numbers) writer.uint64(item);
    writer.close(mark);
  },
  read: (reader, end) => {
    reader.charge(192);
    const tree = { children: [] as Tree[], bytes: [] as Uint8Array[], texts: [] as string[], numbers: [] as bigint[] };
    while (reader.position < end) {
      const key = reader.tag();
      if (key === 10) tree.children.push(reader.message(Tree));
      else if (key === 18) tree.bytes.push(reader.blob());
      else if (key === 26) tree.texts.push(reader.string());
      else if (key === 34) {
        const outer = reader.narrow();
        while (reader.position < reader.end) tree.numbers.push(reader.uint64());
        reader.charge(tree.numbers.length * 12);
        reader.widen(outer);
      } else reader.skip(key);
    }
    return tree;
  },
};

const EMPTY = Tree.create({});
const times = <T>(count: number, item: T): T[] => Array.from<T>({ length: count }).fill(item);

/** Messages around every bound of a receiver: nested as deep as it reads, and as many parts as it has memory for. */
const trees: fc.Arbitrary<Tree> = fc
  .record({
    depth: fc.oneof(fc.nat(3), fc.integer({ min: limits.messageDepth - 2, max: limits.messageDepth + 2 })),
    children: fc.constantFrom(0, 1, 100, 8_191, 8_192, 600_000, 700_000),
    blobs: fc.constantFrom(0, 1, 8_192, 600_000, 700_000),
    texts: fc.constantFrom(0, 1, 1_000_000),
    numbers: fc.constantFrom(0, 1, 1_000_000, 4_000_000),
    size: fc.constantFrom(0, 1, 40),
  })
  .map(({ depth, children, blobs, texts, numbers, size }) => {
    let tree = Tree.create({
      children: times(children, EMPTY),
      bytes: times(blobs, new Uint8Array(size)),
      texts: times(texts, 'x'.repeat(size)),
      numbers: times(numbers, 1n),
    });
    for (let level = 0; level < depth; level++) tree = Tree.create({ children: [tree] });
    return tree;
  });

describe('what can be encoded', () => {
  it('can be decoded: what a receiver would refuse is refused when it is sent', () => {
    fc.assert(
      fc.property(trees, (tree) => {
        const bytes = attempt(() => encode(Tree, tree));
        if (bytes !== undefined) decode(Tree, bytes);
        const writer = new WireWriter(new Uint8Array(48 * 1024 * 1024));
        const isWritten = attempt(() => writeDelimitedEnvelope(writer, new EnvelopeHeader(), Tree, tree)) !== undefined;
        if (!isWritten) return;
        const view = new EnvelopeView();
        expect(readDelimitedEnvelope(new WireReader(writer.bytes, 0, writer.position), view)).to.equal(true);
        readValue(Tree, new WireReader(), writer.bytes, view.valueStart, view.valueEnd);
      }),
      { numRuns: 3 },
    );
  }).timeout(180_000);

  it('has no other bounds than those of a receiver', () => {
    let deep = EMPTY;
    for (let level = 0; level < limits.messageDepth; level++) deep = Tree.create({ children: [deep] });
    expect(() => encode(Tree, deep)).not.to.throw();
    expect(() => encode(Tree, Tree.create({ children: [deep] }))).to.throw(ProtocolError, 'nested deeper');
    expect(() => encode(Tree, Tree.create({ bytes: times(600_000, new Uint8Array(0)) }))).not.to.throw();
    expect(() => encode(Tree, Tree.create({ bytes: times(700_000, new Uint8Array(0)) }))).to.throw(
      ProtocolError,
      'No receiver would read this test.Tree',
    );
    expect(encode(Tree, Tree.create({ bytes: [new Uint8Array(10_000_000)] })).length).to.be.above(10_000_000);
  });

  it('has meta and a chain that can be read', () => {
    const entries = fc.dictionary(fc.string({ maxLength: 40 }), fc.string({ unit: 'binary', maxLength: 3_000 }));
    const chains = fc.array(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), { maxLength: limits.linkCallChain + 2 });
    fc.assert(
      fc.property(entries, fc.nat(20), chains, (meta, repeats, chain) => {
        const filled = { ...meta };
        for (let index = 0; index < repeats; index++) filled[`key ${index}`] = 'v'.repeat(850);
        const header = Object.assign(new EnvelopeHeader(), { meta: filled, chain });
        const writer = new WireWriter(new Uint8Array(400_000));
        if (attempt(() => writeDelimitedEnvelope(writer, header, undefined, undefined)) === undefined) return;
        const view = new EnvelopeView();
        readDelimitedEnvelope(new WireReader(writer.bytes, 0, writer.position), view);
        expect(view.chain).to.deep.equal(chain);
      }),
    );
  });
});

/** Undefined for what is refused. */
function attempt<T>(code: () => T): T | undefined {
  try {
    return code();
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return undefined;
  }
}
