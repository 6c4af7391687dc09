import { expect } from 'chai';
import {
  type Block,
  bytesCodable,
  Descriptor,
  jsonCodable,
  type MemoryPool,
  textCodable,
} from '#src/descriptors/index.js';
import { ConsumedError, ProtocolError, UnreachableError } from '#src/errors.js';
import { v1 } from '#src/protocol/index.js';
import { exposedGc } from '../support/exposed-gc.js';
import { upTo } from '../support/numbers.js';
import { rejection } from '../support/rejection.js';
import { type Hub, type Node, overTheWire } from './hub.js';
import { describeWithSharedMemory, MIB, openPool } from './pools.js';
import { expectNothingLeft, sent, SIZE, Trio } from './trio.js';

describeWithSharedMemory('a value on its way between processes', () => {
  let trio: Trio;
  let hub: Hub;
  let owner: Node;
  let reader: Node;
  let third: Node;

  beforeEach(() => begin('shared'));

  afterEach(() => hub.close());

  function begin(memory: 'shared' | 'private'): void {
    trio = new Trio(memory);
    ({ hub, owner, reader, third } = trio);
  }

  const born = (fill: number): Promise<Descriptor<Uint8Array>> => trio.born(fill);

  it('is read where it was born, without any copy, and its block is free when the reader has disposed it', async () => {
    const descriptor = await sent(owner, reader, await born(7));
    expect(descriptor.state).to.equal('remote');
    const value = await descriptor.takeValue();
    expect(value).to.have.length(SIZE);
    expect(value.every((byte) => byte === 7)).to.equal(true);
    await hub.settle();
    expect(owner.pool.statistics).to.include({ blocks: 1, bytesCopied: 0 });
    expect(reader.pool.statistics).to.include({ reservedBytes: 0, bytesCopied: 0 });
    descriptor.dispose();
    descriptor.dispose();
    await hub.settle();
    expectNothingLeft(owner, reader);
  });

  it('that is small travels inside the message, and nobody holds anything', async () => {
    const message = overTheWire(await owner.manager.describe(Descriptor.of(textCodable, 'small'), reader.name));
    expect(message.object).to.equal(undefined);
    using descriptor = reader.manager.receive(owner.name, message, textCodable);
    expect(await descriptor.takeValue()).to.equal('small');
    expect(hub.waiting).to.equal(0);
    expectNothingLeft(owner, reader);
  });

  it('leaves nothing of a peer that has ended, also while the arena of the value is open', async () => {
    const gc = await exposedGc();
    const kept = await born(0);
    const sendToPeers = async (first: number, count: number): Promise<number> => {
      for (const index of upTo(count)) {
        const name = `${first + index}:1` as const;
        owner.manager.joined(name);
        await owner.manager.describe(await born(1), name);
        owner.manager.ended(name);
        if (index % 100 === 0) await hub.settle();
      }
      await hub.settle();
      gc();
      return process.memoryUsage().heapUsed;
    };
    // What is kept of the last ones that have ended is bounded: it is there before.
    const before = await sendToPeers(1_000, 1_000);
    const grownBytes = (await sendToPeers(10_000, 3_000)) - before;
    expect(grownBytes / 3_000).to.be.below(200);
    kept.dispose();
  });

  it('that nobody reads is given back as well', async () => {
    (await sent(owner, reader, await born(1))).dispose();
    await hub.settle();
    expectNothingLeft(owner, reader);
  });

  it('is sent to many, each of which holds it', async () => {
    const object = await (await born(3)).takeHeld().encoded(owner.pool);
    const handle = await owner.manager.register(object);
    const messages = [handle.sendTo(reader.name), handle.release(third.name)];
    expect(() => handle.sendTo(reader.name)).to.throw(ConsumedError);
    const [first, second] = [reader, third].map((node, index) =>
      node.manager.receive(owner.name, overTheWire(messages[index] ?? {}), bytesCodable),
    );
    expect((await first?.takeValue())?.[5]).to.equal(3);
    first?.dispose();
    await hub.settle();
    expect(owner.pool.statistics.blocks).to.equal(1);
    expect((await second?.takeValue())?.[5]).to.equal(3);
    second?.dispose();
    await hub.settle();
    expectNothingLeft(owner, reader, third);
  });

  it('is forwarded without a copy, and read only when its owner has charged the new holder', async () => {
    const at = await sent(owner, reader, await born(9));
    const forwarded = await sent(reader, third, at);
    const value = forwarded.takeValue();
    expect(reader.manager.statistics.held).to.equal(1);
    await hub.settle();
    expect((await value)[SIZE - 1]).to.equal(9);
    expect(third.pool.statistics.bytesCopied + reader.pool.statistics.bytesCopied).to.equal(0);
    expect(owner.pool.statistics.blocks).to.equal(1);
    forwarded.dispose();
    await hub.settle();
    expectNothingLeft(owner, reader, third);
  });

  it('comes back to its owner as the same block', async () => {
    const at = await sent(owner, reader, await born(4));
    const back = await sent(reader, owner, at);
    await hub.settle();
    expect((await back.takeValue()).every((byte) => byte === 4)).to.equal(true);
    expect(owner.pool.statistics).to.include({ blocks: 1, bytesCopied: 0 });
    back.dispose();
    await hub.settle();
    expectNothingLeft(owner, reader);
  });

  it('is copied once into the pool of one who sends it on as its own', async () => {
    const at = await sent(owner, reader, await born(2));
    const handle = await reader.manager.register(await at.takeHeld().encoded(reader.pool));
    await hub.settle();
    expectNothingLeft(owner);
    expect(reader.pool.statistics).to.include({ blocks: 1, bytesCopied: SIZE });
    using read = third.manager.receive(reader.name, overTheWire(handle.release(third.name)), bytesCodable);
    expect((await read.takeValue())[0]).to.equal(2);
  });

  it('is fetched by a process that cannot map it, and held until that is done', async () => {
    hub.close();
    begin('private');
    const descriptor = await sent(owner, reader, await born(6));
    await hub.settle();
    expect(owner.pool.statistics).to.include({ blocks: 1, bytesCopied: 0 });
    expect((await descriptor.takeValue()).every((byte) => byte === 6)).to.equal(true);
    expect(reader.pool.statistics).to.include({ blocks: 1, bytesCopied: SIZE });
    descriptor.dispose();
    await hub.settle();
    expectNothingLeft(owner, reader);
  });

  it('cannot be fetched any more when its owner has ended, and leaves no block of the reader', async () => {
    hub.close();
    begin('private');
    const descriptor = await sent(owner, reader, await born(6));
    hub.kill(owner);
    expect(await rejection(descriptor.takeValue())).to.be.instanceOf(UnreachableError);
    descriptor.dispose();
    expectNothingLeft(reader);
  });

  it('is read from its own memory, also where two sources have arenas of the same id', async () => {
    const [descriptors, blocks, pools] = [[], [], []] as [Descriptor<Uint8Array>[], Block[], MemoryPool[]];
    for (const fill of [1, 2]) {
      const other = openPool({ limitBytes: MIB, arenaBytes: MIB }, { memory: 'shared' });
      pools.push(other);
      const block = await other.allocate(SIZE);
      block.bytes.fill(fill);
      blocks.push(block);
      descriptors.push(await sent(owner, reader, Descriptor.of(bytesCodable, block.bytes)));
    }
    expect(blocks[0]?.arena.id).to.equal(blocks[1]?.arena.id);
    const values = await Promise.all(descriptors.map((descriptor) => descriptor.takeValue()));
    expect(values.map((value) => value[SIZE - 1])).to.deep.equal([1, 2]);
    for (const each of [...descriptors, ...blocks]) each.dispose();
    await hub.settle();
    for (const pool of pools) pool.close();
    expectNothingLeft(owner, reader);
  });

  it('of several parts is read in place as a whole', async () => {
    using block = await owner.pool.allocate(SIZE);
    block.bytes.fill(8);
    const codable = jsonCodable<{ name: string; pixels: Uint8Array }>('acme.Tile');
    const descriptor = Descriptor.of(codable, { name: 'tile', pixels: block.bytes });
    const message = overTheWire(await owner.manager.describe(descriptor, reader.name));
    using read = reader.manager.receive(owner.name, message, codable);
    const { name, pixels } = await read.takeValue();
    expect([name, pixels.length, pixels[1]]).to.deep.equal(['tile', SIZE, 8]);
    expect(owner.pool.statistics.bytesCopied + reader.pool.statistics.bytesCopied).to.be.below(200);
  });

  it('goes with the arena that its owner gives back, for the reader as well', async () => {
    const descriptor = await sent(owner, reader, await born(1));
    const value = await descriptor.takeValue();
    descriptor.dispose();
    await hub.settle();
    owner.pool.trim();
    await hub.settle();
    // The mapping of the reader is gone: its stale view reads empty memory.
    expect(value[0]).to.equal(0);
  });

  describe('that cannot be', () => {
    it('is refused with its type, and given back', async () => {
      const message = overTheWire(await owner.manager.describe(await born(1), reader.name));
      expect(() => reader.manager.receive(owner.name, message, textCodable)).to.throw(
        ProtocolError,
        'A value of type millrace.Uint8Array cannot be read as millrace.string',
      );
      await hub.settle();
      expectNothingLeft(owner, reader);
    });

    it('is refused with a wrong place, owner, number, arena or part', async () => {
      const good = overTheWire(await owner.manager.describe(await born(1), reader.name));
      const [arena] = good.arenas;
      const place = (value: v1.BlockPlaceInit): v1.StoredPartInit[] => [{ place: { case: 'block', value } }];
      const wrong: v1.RemoteDescriptorInit[] = [
        { ...good, parts: place({ arena: 99, offset: 0, sizeBytes: 1 }) },
        { ...good, parts: place({ arena: arena?.arena, offset: 2 ** 40, sizeBytes: 1 }) },
        { ...good, parts: [{}] },
        { ...good, object: undefined },
        { ...good, object: { owner: undefined, number: 1 } },
        { ...good, object: { owner: { ordinal: 5, incarnation: 0n }, number: 1 } },
        { ...good, object: { ...good.object, number: 0 } },
        { ...good, arenas: [{ ...arena, sizeBytes: 5 }] },
        { ...good, arenas: [{ ...arena, inode: 1n, arena: 77 }], parts: place({ arena: 77, offset: 0, sizeBytes: 1 }) },
      ];
      for (const [index, message] of wrong.entries()) {
        const read = async (): Promise<unknown> =>
          reader.manager.receive(owner.name, overTheWire(message), bytesCodable).takeValue();
        expect(await rejection(read()), String(index)).to.be.instanceOf(ProtocolError);
      }
    });

    it('is fetched where its memory cannot be mapped after all', async () => {
      const good = overTheWire(await owner.manager.describe(await born(1), reader.name));
      const arenas = good.arenas.map((arena) => ({ ...arena, host: 'elsewhere' }));
      using descriptor = reader.manager.receive(owner.name, overTheWire({ ...good, arenas }), bytesCodable);
      expect((await descriptor.takeValue()).every((byte) => byte === 1)).to.equal(true);
      expect(reader.pool.statistics).to.include({ blocks: 1, bytesCopied: SIZE });
    });

    it('is answered with what is free, each time that it is given back, and nobody else says that again', async () => {
      const handle = await owner.manager.register(await (await born(1)).takeHeld().encoded(owner.pool));
      const messages = [reader, third].map(({ name }) => overTheWire(handle.sendTo(name)));
      handle.dispose();
      for (const [index, { manager }] of [reader, third].entries()) {
        manager.receive(owner.name, messages[index] ?? expect.fail(), bytesCodable);
      }
      const number = messages[0]?.object?.number ?? 0;
      const totals = [{ object: number, total: 1 }];
      const releases = v1.DescriptorControl.create({ message: { case: 'releases', value: { totals } } });
      expect(owner.manager.control(third.name, releases)).to.deep.equal([]);
      expect(owner.manager.control(reader.name, releases)).to.deep.equal([number]);
      expect(owner.manager.control(reader.name, releases)).to.deep.equal([number]);
      await new Promise((resolve) => setImmediate(resolve));
      // To the third, which is not the one that was answered.
      expect(hub.waiting).to.equal(1);
    });

    it('is counted and logged as control of objects that do not exist, or are of others, or were never forwarded', async () => {
      const peer = (ordinal: number, incarnation = BigInt(ordinal)): v1.PeerIdInit => ({ ordinal, incarnation });
      const own = peer(1);
      const { object: held } = overTheWire(await owner.manager.describe(await born(1), reader.name));
      const wrong: v1.DescriptorControlInit['message'][] = [
        { case: 'releases', value: { totals: [{ object: 5, total: 1 }] } },
        { case: 'claim', value: { object: { owner: own, number: 5 }, from: peer(3), total: 1 } },
        { case: 'claim', value: { object: { owner: peer(0), number: 1 }, from: peer(0), total: 1 } },
        // From partitions that never were: each would add to the row.
        { case: 'claim', value: { object: held, from: peer(77), total: 1 } },
        { case: 'claim', value: { object: held, from: peer(78), total: 1_000_000 } },
        { case: 'claim', value: { object: { owner: own, number: 1 }, total: 1 } },
        { case: 'claimed', value: { object: { owner: own, number: 1 }, by: own, from: own, total: 1 } },
        { case: 'refused', value: { owner: peer(2, 9n), number: 1 } },
        { case: undefined, value: undefined },
      ];
      for (const message of wrong) owner.manager.control(reader.name, v1.DescriptorControl.create({ message }));
      expect(owner.manager.statistics.violations).to.equal(wrong.length);
      expect(hub.log.records).to.have.length(wrong.length);
    });

    it('is counted and logged as an answer about objects that cannot be, and the rest of the answer holds', async () => {
      const message = overTheWire(await owner.manager.describe(await born(1), reader.name));
      const answers = owner.manager.inDoubt([message], reader.name).map((receipt) => v1.ObjectReceipt.create(receipt));
      owner.manager.settled(reader.name, [
        v1.ObjectReceipt.create({}),
        v1.ObjectReceipt.create({ object: { owner: { ordinal: 1, incarnation: 1n }, number: 0 } }),
        ...answers,
      ]);
      expect(owner.manager.statistics).to.include({ owned: 0, violations: 2 });
    });
  });
});
