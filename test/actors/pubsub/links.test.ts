import { expect } from 'chai';
import { Publisher, Subscriber } from '#src/actors/pubsub/index.js';
import { UnreachableError } from '#src/errors.js';
import { v1 } from '#src/protocol/index.js';
import { Row } from '../runtime/row.js';
import { endWorlds, PartitionWorld } from '../transport/partitions.js';
import { until } from '../../support/until.js';

/** A writer in partition a, and its reader in partition b; told of each other as their manifold would. */
async function setUp({ canReachWriter = true } = {}) {
  const world = new PartitionWorld({ latencyMs: 5 });
  const [near, far] = [await world.start('a/1'), await world.start('b/1', { hasJoined: false })];
  far.router.join(far.ordinal, async () => {
    if (!canReachWriter) throw new UnreachableError('a firewall');
    return near.address;
  });
  const failures: Error[] = [];
  const writer = new Publisher<Row, Partial<Row>>({
    id: 1,
    port: 'rows',
    type: Row,
    policy: 'round-robin',
    isLossy: () => false,
    recovers: false,
    failed: (error) => failures.push(error),
  });
  const reader = new Subscriber({ id: 2, port: 'rows', type: Row, window: { items: 1 } });
  const writing = near.system.spawn(writer.behavior());
  const reading = far.system.spawn(reader.behavior());
  let nonce = 0;
  const members = (id: number, ref: { toRef(): { cUid: bigint; service: string } } | undefined) => {
    const joined = ref === undefined ? [] : [{ id, ref: ref.toRef() }];
    return { base: 0, nonce: ++nonce, isSnapshot: true, joined, isComplete: true };
  };
  return {
    world,
    writing,
    reading,
    reader,
    far,
    failures,
    writer,
    rows: reader[Symbol.asyncIterator](),
    tellReader: () => reading.rewire(members(1, writing)),
    tellWriter: (isThere = true) => writing.rewire(members(2, isThere ? reading : undefined)),
  };
}

describe('a port over a link', () => {
  afterEach(endWorlds);

  it('has its grant when the writer reaches the reader, though the reader could not reach the writer', async () => {
    const { world, far, tellReader, tellWriter, writer, rows } = await setUp({ canReachWriter: false });
    const lost = (): number => far.log.filter(({ message }) => message.includes('was not handled')).length;
    await tellReader();
    await until('the grant to be lost', () => lost() === 1);
    await tellWriter();
    const written = writer.write({ id: 7 });
    expect((await rows.next()).value).to.include({ id: 7 });
    await written;
    await world.pass(1_000);
    expect(lost()).to.equal(1);
    expect(far.system.deadLetters.count).to.equal(0);
  });

  it('takes nothing in the name of its writer or its reader from another partition', async () => {
    const { world, writing, reading, reader, tellReader, tellWriter, writer, rows, failures } = await setUp();
    const forger = await world.start('c/1');
    await tellReader();
    await tellWriter();
    const asWriter = world.reach(forger, reader.service, reading);
    asWriter.element({ writer: 1, sequence: 0, value: Row.create({ id: 66 }), sizeBytes: 0 });
    asWriter.end({ writer: 1, sequence: 1 });
    world.reach(forger, v1.Publisher, writing).grant({ reader: 2, items: 99, bytes: 1e6, received: 50, hasGap: true });
    await world.pass(50);
    for (const id of [7, 8]) {
      const written = writer.write({ id });
      expect((await rows.next()).value).to.include({ id });
      await written;
    }
    expect(failures).to.deep.equal([]);
  });

  it('fails its stream when a reader that leaves is cut off before it had what was sent to it', async () => {
    const { world, failures, tellReader, tellWriter, writer } = await setUp();
    await tellReader();
    await tellWriter();
    await writer.write({ id: 7 });
    await tellWriter(false);
    world.network.crash('b');
    await until('the link to end', () => failures.length > 0);
    expect(String(failures[0])).to.include('reader 2 ended, or cannot be reached');
  });

  it('goes on when a reader that leaves is cut off with all that was sent to it', async () => {
    const { world, failures, tellReader, tellWriter, writer, rows } = await setUp();
    await tellReader();
    await tellWriter();
    await writer.write({ id: 7 });
    await rows.next();
    await world.pass(20);
    await tellWriter(false);
    world.network.crash('b');
    await world.pass(20);
    expect(failures).to.deep.equal([]);
    expect(writer.hasNoSubscribers).to.equal(true);
  });
});
