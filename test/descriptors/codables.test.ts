import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import fc from 'fast-check';
import {
  bytesCodable,
  type Codable,
  EncodedObject,
  jsonCodable,
  type MemoryPool,
  messageCodable,
  Storage,
  textCodable,
  type TypedArray,
  type TypedArrayClass,
  typedArrayCodable,
} from '#src/descriptors/index.js';
import { ProtocolError } from '#src/errors.js';
import { v1 } from '#src/protocol/index.js';
import { rejection } from '../support/rejection.js';
import { KIB, MIB, openPool } from './pools.js';

describe('a codable', () => {
  let pool: MemoryPool;

  beforeEach(() => {
    pool = openPool({ limitBytes: 16 * MIB, arenaBytes: MIB });
  });

  afterEach(() => {
    expect(pool.statistics).to.include({ blocks: 0, usedBytes: 0 });
    pool.close();
  });

  /** Encodes and decodes; `look` sees the value while its storage is alive. */
  async function through<T>(codable: Codable<T>, value: T, look: (read: T) => void): Promise<void> {
    using object = await EncodedObject.encode(codable, value, pool);
    look(object.decode());
  }

  it('of bytes copies those of ordinary memory once, and reads them in place', async () => {
    const value = new Uint8Array(100_000).map((_, index) => index);
    await through(bytesCodable, value, (read) => {
      expect(read).to.deep.equal(value);
      expect(read.buffer).to.not.equal(value.buffer);
    });
    expect(pool.statistics.bytesCopied).to.equal(100_000);
  });

  it('of bytes that were born in a pool copies nothing, and holds their block', async () => {
    const block = await pool.allocate(100_000);
    block.bytes.fill(3);
    const object = await EncodedObject.encode(bytesCodable, block.bytes.subarray(10, 90_000), pool);
    block.dispose();
    expect(pool.statistics).to.include({ blocks: 1, bytesCopied: 0 });
    const read = object.decode();
    expect(read).to.have.length(89_990);
    expect(read.every((byte) => byte === 3)).to.equal(true);
    object.dispose();
  });

  it('of small values needs no block', async () => {
    await through(bytesCodable, new Uint8Array(4 * KIB), () => expect(pool.statistics.blocks).to.equal(0));
    await through(bytesCodable, new Uint8Array(4 * KIB + 1), () => expect(pool.statistics.blocks).to.equal(1));
  });

  it('of typed arrays gives back every one of them, in place where they are aligned', async () => {
    const classes: TypedArrayClass<TypedArray>[] = [
      Int8Array,
      Uint16Array,
      Int32Array,
      BigUint64Array,
      Float32Array,
      Float64Array,
    ];
    for (const type of classes) {
      const value = new type(new Uint8Array(16 * KIB).fill(65).buffer, 0, (16 * KIB) / type.BYTES_PER_ELEMENT);
      await through(typedArrayCodable(type), value, (read) => {
        expect(read).to.be.instanceOf(type);
        expect(read).to.deep.equal(value);
      });
    }
    expect(pool.statistics.bytesCopied).to.equal(classes.length * 16 * KIB);
    using block = await pool.allocate(16 * KIB);
    const odd = await EncodedObject.encode(bytesCodable, block.bytes.subarray(1, 9), pool);
    const storage = odd.takeStorage();
    expect(typedArrayCodable(Float64Array).decode(storage)).to.have.length(1);
    storage.dispose();
    expect(pool.statistics.bytesCopied).to.equal(classes.length * 16 * KIB + 8);
  });

  it('of text and of messages counts the copy in and the copy out', async () => {
    const text = 'Müllers Mühle 🌾'.repeat(1_000);
    await through(textCodable, text, (read) => expect(read).to.equal(text));
    expect(pool.statistics.bytesCopied).to.equal(2 * Buffer.byteLength(text));
    const message = v1.Element.create({ writer: 7, value: new Uint8Array(50_000).fill(5) });
    await through(messageCodable(v1.Element), message, (read) => expect(read).to.deep.equal(message));
  });

  it('of JSON carries buffers beside the text, without a copy of those that were born in a pool', async () => {
    using block = await pool.allocate(MIB);
    block.bytes.fill(9);
    const value = {
      name: 'tile',
      place: [1, 2.5, -0.25, null, true],
      none: undefined,
      pixels: block.bytes,
      layers: [{ heights: Float32Array.of(1, 2, 3) }],
    };
    await through(jsonCodable<typeof value>('tile'), value, (read) => {
      expect(read.pixels.buffer).to.equal(block.bytes.buffer);
      expect(read.layers[0]?.heights).to.deep.equal(Float32Array.of(1, 2, 3));
      expect({ ...read, pixels: 0, layers: 0 }).to.deep.equal({
        name: 'tile',
        place: [1, 2.5, -0.25, null, true],
        pixels: 0,
        layers: 0,
      });
    });
    expect(pool.statistics.bytesCopied).to.be.below(1_000);
  });

  it('of JSON gives back any value of JSON', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue({ maxDepth: 5 }), fc.uint8Array({ maxLength: 10 }), async (json, bytes) => {
        const value = { json: JSON.parse(JSON.stringify(json)) as unknown, bytes };
        await through(jsonCodable<typeof value>('any'), value, (read) => expect(read).to.deep.equal(value));
      }),
      { numRuns: 100 },
    );
  });

  it('of JSON refuses what JSON would change, and says where it is', async () => {
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    const bad: [unknown, string][] = [
      [{ a: [1, { b: () => 1 }] }, 'the value.a[1].b cannot be encoded: it is of type function'],
      [{ at: new Date() }, 'the value.at cannot be encoded: it is an instance of Date'],
      [{ n: Number.NaN }, 'the value.n cannot be encoded: it is NaN'],
      [[10n], 'the value[0] cannot be encoded: it is of type bigint'],
      [new Map(), 'an instance of Map'],
      [undefined, 'of type undefined'],
      [cycle, 'contains itself'],
      [{ $part: 1 }, 'the property $part'],
    ];
    for (const [value, message] of bad) {
      const error = await rejection(EncodedObject.encode(jsonCodable('bad'), value, pool));
      expect(error).to.be.instanceOf(ProtocolError).with.property('message').that.includes(message);
    }
  });

  it('refuses bytes that are no such value', async () => {
    const write = async (...parts: readonly Uint8Array[]): Promise<Storage> => {
      const storage = new Storage(pool);
      for (const part of parts) await storage.write(part);
      return storage;
    };
    const text = (value: string): Uint8Array => new TextEncoder().encode(value);
    const bad: [Codable<unknown>, readonly Uint8Array[]][] = [
      [typedArrayCodable(Float64Array), [new Uint8Array(7)]],
      [textCodable, [Uint8Array.of(0xff)]],
      [messageCodable(v1.Element), [Uint8Array.of(0x0a)]],
      [jsonCodable('j'), []],
      [jsonCodable('j'), [text('{')]],
      [jsonCodable('j'), [text('{"$part":1,"$type":"Uint8Array"}')]],
      [jsonCodable('j'), [text('{"$part":9,"$type":"Uint8Array"}'), new Uint8Array(1)]],
      [jsonCodable('j'), [text('{"$part":1,"$type":"Function"}'), new Uint8Array(1)]],
      [jsonCodable('j'), [text('{"$part":1,"$type":"Float64Array"}'), new Uint8Array(1)]],
      [
        jsonCodable('j'),
        [text('[{"$part":1,"$type":"Int8Array"},{"$part":1,"$type":"Int8Array"}]'), new Uint8Array(1)],
      ],
    ];
    for (const [index, [codable, parts]] of bad.entries()) {
      using storage = await write(...parts);
      expect(() => codable.decode(storage), String(index)).to.throw(ProtocolError);
    }
  });

  it('takes arrays of other realms, and refuses values of other types', async () => {
    const foreign = runInNewContext('Uint8Array.of(1, 2, 3)') as Uint8Array;
    await through(bytesCodable, foreign, (read) => expect([...read]).to.deep.equal([1, 2, 3]));
    await through(bytesCodable, Buffer.from('abc'), (read) => expect([...read]).to.deep.equal([97, 98, 99]));
    await through(jsonCodable<{ b: Uint8Array }>('j'), { b: foreign }, ({ b }) =>
      expect([...b]).to.deep.equal([1, 2, 3]),
    );
    const wrong: [Codable<never>, unknown][] = [
      [bytesCodable as Codable<never>, 'text'],
      [bytesCodable as Codable<never>, undefined],
      [typedArrayCodable(Float32Array) as Codable<never>, new Uint8Array(4)],
      [textCodable as Codable<never>, 5],
      [messageCodable(v1.Element) as Codable<never>, { writer: 'x' }],
    ];
    for (const [codable, value] of wrong) {
      expect(await rejection(EncodedObject.encode(codable, value as never, pool))).to.be.instanceOf(ProtocolError);
    }
  });

  it('of a message names the field with a wrong value, and the path to it', async () => {
    const failed: Codable<never> = messageCodable(v1.LinkMessage) as Codable<never>;
    const wrong: readonly (readonly [unknown, string])[] = [
      [
        { message: { case: 'methodBound', value: { method: -1 } } },
        'millrace.v1.LinkMessage.methodBound.method must be',
      ],
      [{ message: { case: 'methodBound', value: new Map() } }, 'millrace.v1.LinkMessage.methodBound must be a message'],
      [new Map(), 'millrace.v1.LinkMessage must be a message'],
    ];
    for (const [value, text] of wrong) {
      const error = await rejection(EncodedObject.encode(failed, value as never, pool));
      expect(error).to.be.instanceOf(ProtocolError).with.property('message').that.includes(text);
    }
  });

  it('of the user leaves nothing in the pool when it throws', async () => {
    const failing: Codable<number> = {
      typeName: 'failing',
      encode: async (size, storage) => {
        await storage.reserve(size);
        throw new RangeError('no');
      },
      decode: () => 0,
    };
    expect(await rejection(EncodedObject.encode(failing, 100_000, pool))).to.be.instanceOf(RangeError);
  });
});
