import { expect } from 'chai';
import {
  bytesCodable,
  type Codable,
  Descriptor,
  jsonCodable,
  type MemoryPool,
  Storage,
  textCodable,
} from '#src/descriptors/index.js';
import { ConsumedError, ProtocolError, ResourceError } from '#src/errors.js';
import { limits } from '#src/limits.js';
import { upTo } from '../support/numbers.js';
import { rejection } from '../support/rejection.js';
import { KIB, openPool } from './pools.js';

describe('a descriptor', () => {
  let pool: MemoryPool;

  beforeEach(() => {
    pool = openPool({ limitBytes: 1_024 * KIB, arenaBytes: 256 * KIB, timeoutMs: 1 });
  });

  afterEach(() => pool.close());

  it('that is resident hands over the object itself, once, and encodes nothing', async () => {
    const value = { large: new Uint8Array(100 * KIB) };
    using descriptor = Descriptor.of(jsonCodable<typeof value>('acme.Large'), value);
    expect(descriptor.state).to.equal('resident');
    expect(await descriptor.takeValue()).to.equal(value);
    expect(descriptor.state).to.equal('empty');
    for (const take of [
      () => descriptor.takeValue(),
      () => descriptor.takeStorage(pool),
      () => descriptor.encode(pool),
    ]) {
      const error = await rejection(take());
      expect(error).to.be.instanceOf(ConsumedError);
      expect(error).to.have.property(
        'message',
        'A descriptor of type acme.Large is empty: its value was taken or sent before. That can be done once; make another descriptor.',
      );
    }
    expect(pool.statistics).to.include({ reservedBytes: 0, bytesCopied: 0 });
  });

  it('is coded after it was encoded, and its value lives until it is disposed', async () => {
    const descriptor = Descriptor.of(bytesCodable, new Uint8Array(100 * KIB).fill(4));
    await descriptor.encode(pool);
    await descriptor.encode(pool);
    expect(descriptor.state).to.equal('coded');
    const value = await descriptor.takeValue();
    expect(value[5]).to.equal(4);
    expect(pool.statistics).to.include({ blocks: 1, bytesCopied: 100 * KIB });
    descriptor.dispose();
    descriptor.dispose();
    expect(descriptor.state).to.equal('disposed');
    expect(pool.statistics.blocks).to.equal(0);
    expect(await rejection(descriptor.takeValue()))
      .to.be.instanceOf(ConsumedError)
      .with.property('message')
      .that.includes('after it was disposed');
  });

  it('takes an empty view of a block, at its end too, and keeps neither that block nor its neighbour', async () => {
    const blocks = [await pool.allocate(4 * KIB), await pool.allocate(4 * KIB)];
    using storage = new Storage(pool);
    for (const { bytes } of blocks) {
      for (const offset of [0, 4 * KIB]) {
        expect(pool.blockOf(bytes.subarray(offset, offset))).to.equal(undefined);
        await storage.write(bytes.subarray(offset, offset));
      }
    }
    for (const block of blocks) block.dispose();
    expect(storage.sizeBytes).to.equal(0);
    expect(pool.statistics.blocks).to.equal(0);
  });

  it('hands its storage over, which outlives it', async () => {
    const descriptor = Descriptor.of(bytesCodable, new Uint8Array(10 * KIB).fill(4));
    const storage = await descriptor.takeStorage(pool);
    descriptor.dispose();
    expect(storage.bytes()[0]).to.equal(4);
    const moved = storage.move();
    for (const use of [() => storage.bytes(), () => storage.move(), () => storage.sizeBytes, () => storage.list]) {
      expect(use).to.throw(ConsumedError);
    }
    storage.dispose();
    expect(pool.statistics.blocks).to.equal(1);
    moved.dispose();
    expect(pool.statistics.blocks).to.equal(0);
    expect(await rejection(storage.write(new Uint8Array(1)))).to.be.instanceOf(ConsumedError);
  });

  it('keeps its value when the pool has no room for it', async () => {
    const all = await pool.allocate(1_024 * KIB);
    using descriptor = Descriptor.of(textCodable, 'x'.repeat(10 * KIB));
    expect(await rejection(descriptor.encode(pool))).to.be.instanceOf(ResourceError);
    expect(await rejection(descriptor.takeStorage(pool))).to.be.instanceOf(ResourceError);
    all.dispose();
    await descriptor.encode(pool);
    expect(descriptor.state).to.equal('coded');
  });

  it('that is disposed while it is encoded or decoded leaves nothing behind', async () => {
    const encoding = Descriptor.of(bytesCodable, new Uint8Array(10 * KIB));
    const encoded = encoding.encode(pool);
    encoding.dispose();
    await encoded;
    const decoding = Descriptor.of(bytesCodable, new Uint8Array(10 * KIB));
    await decoding.encode(pool);
    const decoded = rejection(decoding.takeValue());
    decoding.dispose();
    expect(await decoded).to.be.instanceOf(ConsumedError);
    expect(pool.statistics.blocks).to.equal(0);
  });

  it('frees the storage of a value that cannot be decoded', async () => {
    const broken: Codable<string> = {
      ...textCodable,
      decode: () => {
        throw new ProtocolError('broken');
      },
    };
    using descriptor = Descriptor.of(broken, 'x'.repeat(10 * KIB));
    await descriptor.encode(pool);
    expect(await rejection(descriptor.takeValue())).to.be.instanceOf(ProtocolError);
    expect(pool.statistics.blocks).to.equal(0);
  });
});

describe('storage', () => {
  it('keeps its parts apart, joins them when asked, and counts that copy', async () => {
    const pool = openPool({ limitBytes: 256 * KIB });
    using storage = new Storage(pool);
    await storage.write(Uint8Array.of(1, 2));
    await storage.write(new Uint8Array(5_000).fill(3));
    expect([storage.parts, storage.sizeBytes, storage.part(0)[1]]).to.deep.equal([2, 5_002, 2]);
    expect(storage.list.map(({ kind }) => kind)).to.deep.equal(['inline', 'block']);
    expect(() => storage.part(2)).to.throw(ProtocolError, 'has 2 parts, and no part 2');
    const before = pool.statistics.bytesCopied;
    expect(storage.bytes()).to.have.length(5_002);
    expect(pool.statistics.bytesCopied - before).to.equal(5_002);
  });

  it('refuses more parts than its bound, and takes no block for them', async () => {
    const pool = openPool({ limitBytes: 256 * KIB });
    using storage = new Storage(pool);
    for (const _ of upTo(limits.storageParts)) await storage.write(new Uint8Array(0));
    expect(await rejection(storage.write(new Uint8Array(0)))).to.be.instanceOf(ProtocolError);
    expect(await rejection(storage.reserve(10_000))).to.be.instanceOf(ProtocolError);
    expect(pool.statistics.blocks).to.equal(0);
  });
});
