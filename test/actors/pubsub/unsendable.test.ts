import { expect } from 'chai';
import { Publisher, type PublisherOptions, Subscriber } from '#src/actors/pubsub/index.js';
import { ConsumedError, PipelineError, ResourceError, StoppedError } from '#src/errors.js';
import { limits } from '#src/limits.js';
import type { MessageType } from '#src/protocol/index.js';
import { rejection } from '../../support/rejection.js';
import { until } from '../../support/until.js';
import { type Errand, Errands, push } from '../transport/errands.js';
import { FieldMemory, full } from '../transport/field-memory.js';
import { endWorlds, errands, type Partition, PartitionWorld, type WorldOptions } from '../transport/partitions.js';

type Load = MessageType<Errand, Partial<Errand>>;

/** Errands that can be encoded for as long as the test says so, as bytes of a block until it is disposed. */
class Fragile implements Load {
  readonly typeName = push.request.typeName;
  isBroken = false;

  create(init?: Partial<Errand>): Errand {
    return push.request.create(init);
  }

  write(...[value, writer]: Parameters<Load['write']>): void {
    if (this.isBroken) throw new ConsumedError('The block was disposed.');
    push.request.write(value, writer);
  }

  read(...[reader, end]: Parameters<Load['read']>): Errand {
    return push.request.read(reader, end);
  }
}

async function setUp(options: Partial<PublisherOptions<Errand, Partial<Errand>>> = {}, network: WorldOptions = {}) {
  const world = new PartitionWorld({ latencyMs: 5, ...network });
  const memory = new FieldMemory();
  const near = await world.start('a/1', { fields: memory });
  const far = await world.start('b/1', { fields: memory });
  const type = new Fragile();
  const failures: Error[] = [];
  const writer = new Publisher<Errand, Partial<Errand>>({
    id: 1,
    port: 'loads',
    type,
    policy: 'round-robin',
    isLossy: () => false,
    recovers: false,
    failed: (error) => failures.push(error),
    ...options,
  });
  const writing = near.system.spawn(writer.behavior());
  const read = (id: number, at: Partition) => {
    const reader = new Subscriber<Errand>({ id, port: 'loads', type, window: { items: 64 } });
    const values: number[] = [];
    const ended = (async () => {
      for await (const { value, load } of reader) {
        values.push(value);
        expect(
          load.every((byte) => byte === value),
          `the bytes of element ${value}`,
        ).to.equal(true);
      }
    })();
    ended.catch(() => {});
    return { id, ref: at.system.spawn(reader.behavior()), values, ended };
  };
  let nonce = 0;
  /** From now on, these are the readers. */
  const wire = async (...readers: ReturnType<typeof read>[]): Promise<void> => {
    nonce++;
    const members = (all: readonly { id: number; ref: (typeof readers)[number]['ref'] | typeof writing }[]) => ({
      base: 0,
      nonce,
      isSnapshot: true,
      isComplete: true,
      joined: all.map(({ id, ref }) => ({ id, ref: ref.toRef() })),
    });
    for (const { ref } of readers) await ref.rewire(members([{ id: 1, ref: writing }]));
    await writing.rewire(members(readers));
  };
  return { world, memory, near, far, type, failures, writer, read, wire };
}

/** Fills the link to a partition that takes nothing now. */
function fill({ world, near, far }: Awaited<ReturnType<typeof setUp>>): void {
  const other = world.reach(near, Errands, far.system.spawn(errands()));
  try {
    for (;;) other.push({ load: full(60_000, 1) });
  } catch {
    // It is full.
  }
}

describe('a write that cannot be sent', () => {
  afterEach(endWorlds);

  it('is rejected, and the next one is sent, when its value is gone before there was credit or room', async () => {
    const context = await setUp();
    const { type, writer, read, wire, far } = context;
    const first = rejection(writer.write({ value: 1 }));
    type.isBroken = true;
    const reader = read(2, far);
    await wire(reader);
    expect(await first).to.be.instanceOf(ConsumedError);
    type.isBroken = false;
    await writer.write({ value: 2 });
    await writer.end();
    await reader.ended;
    expect(reader.values).to.deep.equal([2]);
  });

  it('to one reader of a broadcast whose link was full fails the stream, and names what failed', async () => {
    const context = await setUp({ policy: 'broadcast' });
    const { world, near, far, type, failures, writer, read, wire } = context;
    const readers = [read(2, near), read(3, far)];
    await wire(...readers);
    await writer.write({ value: 0 });
    await until('all to read', () => readers.every(({ values }) => values.length === 1));
    world.network.partition(['a'], ['b']);
    fill(context);
    const written = rejection(writer.write({ value: 1 }));
    const next = rejection(writer.write({ value: 2 }));
    await world.pass(20);
    type.isBroken = true;
    world.network.heal();
    const error = await written;
    expect(error).to.be.instanceOf(PipelineError);
    expect(String(error)).to.include('loads').and.to.include('only 1 of its readers');
    expect((error as PipelineError).cause).to.be.instanceOf(ConsumedError);
    expect(await next).to.be.instanceOf(PipelineError);
    expect(failures).to.have.length(1);
  });

  it('to one reader of a broadcast whose link was full arrives there when it has room, in order', async () => {
    const context = await setUp({ policy: 'broadcast' });
    const { world, near, far, failures, writer, read, wire } = context;
    const readers = [read(2, near), read(3, far)];
    await wire(...readers);
    await writer.write({ value: 0 });
    await until('the far one to read', () => readers[1]?.values.length === 1);
    world.network.partition(['a'], ['b']);
    fill(context);
    let isWritten = false;
    const written = writer.write({ value: 1 }).then(() => (isWritten = true));
    const next = writer.write({ value: 2 });
    await until('the near one to read', () => readers[0]?.values.length === 2);
    // Its value is needed until every reader has it.
    expect(isWritten).to.equal(false);
    world.network.heal();
    await Promise.all([written, next]);
    await writer.end();
    for (const { ended } of readers) await ended;
    for (const { values } of readers) expect(values).to.deep.equal([0, 1, 2]);
    expect(failures).to.deep.equal([]);
    expect(writer.written).to.equal(3);
  });

  for (const recovers of [false, true]) {
    it(`because its large fields get no memory in time fails the stream, ${recovers ? 'also where runs restart' : 'without another write'}`, async () => {
      const { memory, far, failures, writer, read, wire } = await setUp({ recovers });
      const reader = read(2, far);
      await wire(reader);
      await writer.write({ value: 1 });
      await until('it to be read', () => reader.values.length === 1);
      memory.isFull = true;
      await writer.write({ value: 2, load: full(limits.inlineFieldBytes + 1, 2) });
      memory.empty(new ResourceError('no memory'));
      await until('the stream to fail', () => failures.length > 0);
      expect(String(failures[0])).to.match(/loads.*element 1 /);
      expect(await rejection(writer.write({ value: 3 }))).to.be.instanceOf(PipelineError);
    });
  }

  for (const withoutReaders of ['drop', 'fail', 'close', 'wait'] as const) {
    it(`to one reader of a broadcast was written when all readers have left, and the next one is another (${withoutReaders})`, async () => {
      const context = await setUp({ policy: 'broadcast', withoutReaders });
      const { world, near, far, failures, writer, read, wire } = context;
      const readers = [read(2, near), read(3, far)];
      await wire(...readers);
      await writer.write({ value: 0 });
      await until('all to read', () => readers.every(({ values }) => values.length === 1));
      world.network.partition(['a'], ['b']);
      fill(context);
      const written = writer.write({ value: 1 });
      await until('the near one to read', () => readers[0]?.values.length === 2);
      await wire();
      await written;
      expect(writer.written).to.equal(2);
      expect(writer.dropped).to.equal(0);
      const late = read(4, near);
      if (withoutReaders !== 'close') {
        await wire(late);
        await writer.write({ value: 2 });
        await until('the late one to read', () => late.values.length === 1);
        expect(late.values).to.deep.equal([2]);
      }
      expect(failures).to.deep.equal([]);
    });
  }

  it('because nobody reads and the port is closed is one rejection, that of its caller', async () => {
    for (const withoutReaders of ['drop', 'fail', 'close'] as const) {
      const { writer, wire } = await setUp({ withoutReaders });
      await wire();
      writer.close(new StoppedError('The segment was stopped.'));
      // A second rejection has no handler, which would fail this test.
      expect(String(await rejection(writer.write({ value: 1 })))).to.include('The segment was stopped.');
      await new Promise(setImmediate);
      expect(writer.dropped).to.equal(0);
    }
  });

  for (const [what, sizeBytes] of [
    ['all that the reader has granted', limits.streamBytes + 1],
    ['a part of what the reader has granted', limits.inlineFieldBytes + 1],
  ] as const) {
    it(`because its reader cannot read its large fields fails the stream, when it takes ${what}, without another write`, async () => {
      const { world, memory, far, failures, writer, read, wire } = await setUp();
      const reader = read(2, far);
      await wire(reader);
      await writer.write({ value: 1, load: full(sizeBytes, 1) });
      await until('it to be read', () => reader.values.length === 1);
      memory.isLost = true;
      await writer.write({ value: 2, load: full(sizeBytes, 2) });
      await world.pass(1_000);
      expect(failures.map(String)).to.have.length(1);
      expect(String(failures[0])).to.match(/loads.*element 1 was lost on the way to reader 2/);
      expect(await rejection(writer.write({ value: 3 }))).to.be.instanceOf(PipelineError);
    });
  }

  it('with large fields that all readers have read is followed by silence', async () => {
    const { world, far, failures, writer, read, wire } = await setUp();
    const reader = read(2, far);
    await wire(reader);
    for (const value of [1, 2, 3]) await writer.write({ value, load: full(limits.inlineFieldBytes + 1, value) });
    await until('all to be read', () => reader.values.length === 3);
    await world.pass(1_000);
    const { framesSent } = far.router.traffic();
    await world.pass(10_000);
    expect(far.router.traffic().framesSent).to.equal(framesSent);
    expect(failures).to.deep.equal([]);
  });

  it('again after it was lost fails the stream, and nobody waits for it', async () => {
    const lossy = await setUp({ recovers: true, isLossy: () => true }, { loss: 0.01 });
    const { world, type, failures, writer, read, wire, far } = lossy;
    const reader = read(2, far);
    await wire(reader);
    await writer.write({ value: 1 });
    await until('it to be read', () => reader.values.length === 1);
    // All frames are lost for a while, and no link notices.
    world.network.partition(['a'], ['b']);
    await writer.write({ value: 2 });
    await world.pass(100);
    type.isBroken = true;
    world.network.heal();
    const error = await rejection(writer.end());
    expect(error).to.be.instanceOf(PipelineError);
    expect(String(error)).to.match(/element \d+ was lost on the way to reader 2, and cannot be sent again/);
    expect(failures).to.have.length(1);
  });

  it('again is what it was when it was written, whatever has become of its bytes', async () => {
    const lossy = await setUp({ recovers: true, isLossy: () => true }, { loss: 0.01 });
    const { world, writer, read, wire, far } = lossy;
    const reader = read(2, far);
    await wire(reader);
    const load = full(4, 1);
    await writer.write({ value: 1, load });
    await until('it to be read', () => reader.values.length === 1);
    world.network.partition(['a'], ['b']);
    await writer.write({ value: 2, load: load.fill(2) });
    await world.pass(100);
    load.fill(3);
    world.network.heal();
    await writer.end();
    await reader.ended;
    expect(reader.values).to.deep.equal([1, 2]);
  });

  it('because its port is closed has an error of its own, as each other call', async () => {
    const { writer, read, wire, far } = await setUp();
    const waiting = [1, 2].map((value) => rejection(writer.write({ value })));
    writer.close(new StoppedError('The segment was stopped.', { cause: new Error('why') }));
    const errors = [
      ...(await Promise.all(waiting)),
      await rejection(writer.write({ value: 3 })),
      await rejection(writer.end()),
    ];
    for (const error of errors) {
      expect(error).to.be.instanceOf(StoppedError);
      expect(String(error)).to.include('The segment was stopped.');
      expect((error as StoppedError).cause).to.be.instanceOf(Error);
    }
    expect(new Set(errors).size).to.equal(errors.length);
    await wire(read(2, far)).catch(() => {});
  });
});
