import { expect } from 'chai';
import { UnreachablePeers } from '#src/actors/transport/unreachable-peers.js';
import { UnreachableError } from '#src/errors.js';
import { limits } from '#src/limits.js';
import { readAll } from '../../support/read-all.js';
import { millraceRejection } from '../../support/rejection.js';
import { until } from '../../support/until.js';
import { Errands, Listing } from './errands.js';
import { endWorlds, errands, listing, type Partition, PartitionWorld } from './partitions.js';

const hasNoLink = ({ router }: Partition): boolean => [...router.channels()].length === 0;

async function setUp() {
  const trace: string[] = [];
  const world = new PartitionWorld({ latencyMs: 1, linkDeadMs: 1_000, trace: (line) => trace.push(line) });
  const [near, far] = [await world.start('a/1'), await world.start('b/1')];
  const handled: number[] = [];
  const ref = world.reach(
    near,
    Errands,
    far.system.spawn(errands({ push: (_state, { value }) => void handled.push(value) })),
  );
  await ref.run({});
  /** Attempts that the network has refused. */
  const refused = (): number => trace.filter((line) => line.includes('refused')).length;
  return { world, near, far, handled, ref, refused };
}

describe('a peer that cannot be reached', () => {
  afterEach(endWorlds);

  it('is told in vain after the first attempt, which was refused: false, one dead letter each, and no other attempt', async () => {
    const { world, near, ref, refused } = await setUp();
    world.network.crash('b');
    await until('the link to be lost', () => hasNoLink(near));
    expect(ref.push({ value: 0 }), 'the first, which tries').to.equal(true);
    await until('the attempt to fail', () => hasNoLink(near));
    expect(near.system.deadLetters.count).to.equal(1);
    const from = world.scheduler.now();
    let told = 0;
    while (world.scheduler.now() - from < 10_000) {
      expect(ref.push({ value: 1 })).to.equal(false);
      told += 1;
      expect(near.system.deadLetters.count).to.equal(1 + told);
      await world.pass(100);
    }
    expect(told).to.be.greaterThan(90);
    expect(refused()).to.equal(1);
  });

  it('is told in vain by its address after the first attempt: false, one dead letter each, and an attempt a second', async () => {
    const { world, near, far, ref: holder, refused } = await setUp();
    const ref = near.system.referenceTo(Errands, near.router.routeTo(far.address, holder.toRef().cUid));
    await ref.run({});
    world.network.crash('b');
    await until('the link to be lost', () => hasNoLink(near));
    expect(ref.push({ value: 0 }), 'the first, which tries').to.equal(true);
    await until('the attempt to fail', () => hasNoLink(near));
    expect(near.system.deadLetters.count).to.equal(1);
    const from = world.scheduler.now();
    let told = 0;
    while (world.scheduler.now() - from < 10_000) {
      expect(ref.push({ value: 1 })).to.equal(false);
      told += 1;
      expect(near.system.deadLetters.count).to.equal(1 + told);
      await world.pass(100);
    }
    expect(told).to.be.greaterThan(90);
    expect(refused()).to.be.within(5, 11);
  });

  it('is known as such by every reference to its process', async () => {
    const { world, near, far, ref, refused } = await setUp();
    world.network.crash('b');
    await until('the link to be lost', () => hasNoLink(near));
    ref.push({});
    await until('the attempt to fail', () => hasNoLink(near));
    for (let index = 0; index < 100; index += 1) {
      const another = near.system.reference(Errands, { ...ref.toRef(), cUid: ref.toRef().cUid + BigInt(index) });
      expect(another.push({})).to.equal(false);
    }
    expect(refused()).to.equal(1);
    expect(far.name).to.equal('b/1');
  });

  it('is asked with an attempt at once, and is told again when that has opened a link', async () => {
    const { world, near, handled, ref } = await setUp();
    world.network.partition(['a'], ['b']);
    await until('the link to be lost', () => hasNoLink(near));
    expect(await millraceRejection(ref.run({}, { timeoutMs: 20_000 }))).to.be.instanceOf(UnreachableError);
    expect(ref.push({ value: 1 })).to.equal(false);
    world.network.heal();
    expect(await ref.run({ value: 2 })).to.include({ value: 2 });
    expect(ref.push({ value: 3 })).to.equal(true);
    await until('the tell', () => handled.length === 1);
    expect(handled).to.deep.equal([3]);
  });

  it('is reached again by tells alone', async () => {
    const { world, near, handled, ref } = await setUp();
    world.network.partition(['a'], ['b']);
    await until('the link to be lost', () => hasNoLink(near));
    ref.push({ value: 0 });
    await until('the attempt to fail', () => hasNoLink(near));
    world.network.heal();
    const from = world.scheduler.now();
    while (!ref.push({ value: 1 })) await world.pass(50);
    expect(world.scheduler.now() - from).to.be.within(limits.unreachableRetryMs, limits.unreachableRetryMs + 100);
    await until('the tell', () => handled.length === 1);
  });

  it('is told again when it has opened the link itself', async () => {
    const { world, near, far, handled, ref } = await setUp();
    world.network.partition(['a'], ['b']);
    await until('the link to be lost', () => hasNoLink(near));
    ref.push({ value: 0 });
    await until('the attempt to fail', () => hasNoLink(near));
    world.network.heal();
    const back = world.reach(far, Errands, near.system.spawn(errands()));
    await back.run({});
    expect(ref.push({ value: 1 })).to.equal(true);
    await until('the tell', () => handled.length === 1);
  });

  it('ends a sender that waits for ready: it is rejected after an attempt, and never resolves in vain', async () => {
    const { world, near, ref } = await setUp();
    world.network.crash('b');
    await until('the link to be lost', () => hasNoLink(near));
    let told = 0;
    const error = await millraceRejection(
      (async () => {
        for (; ; told += 1) if (!ref.push({})) await ref.ready();
      })(),
    );
    expect(error).to.be.instanceOf(UnreachableError);
    expect(near.system.deadLetters.count).to.equal(told + 1);
  });

  it('and has ended for good is not looked up again: everything fails at once', async () => {
    const { world, near, far, ref } = await setUp();
    const streams = world.reach(near, Listing, far.system.spawn(listing()));
    world.network.crash('b');
    world.retire(far);
    await until('the link to be lost', () => hasNoLink(near));
    const { lookups } = world;
    expect(await millraceRejection(ref.run({})))
      .to.be.instanceOf(UnreachableError)
      .with.property('message')
      .that.includes('has ended');
    expect(world.lookups).to.equal(lookups + 1);
    const from = world.scheduler.now();
    for (let index = 0; index < 10; index += 1) {
      expect(ref.push({})).to.equal(false);
      expect(await millraceRejection(ref.run({}))).to.be.instanceOf(UnreachableError);
      expect((await readAll(streams.list({ value: 3 }))).error).to.be.instanceOf(UnreachableError);
      expect(await millraceRejection(ref.ready())).to.be.instanceOf(UnreachableError);
    }
    expect(near.system.deadLetters.count).to.equal(10);
    expect(world.scheduler.now()).to.equal(from);
    await world.pass(60_000);
    expect(ref.push({})).to.equal(false);
    await world.pass(1_000);
    expect(world.lookups).to.equal(lookups + 1);
  });
});

describe('the table of peers that could not be reached', () => {
  it('is bounded: the oldest is forgotten', () => {
    const peers = new UnreachablePeers<string>();
    const channel = 'the channel that has failed';
    for (let index = 0; index < 3 * limits.unreachablePeers; index += 1) peers.failed(`${index}`, channel, 0, true);
    expect(peers.size).to.equal(limits.unreachablePeers);
    expect(peers.has('0')).to.equal(false);
    expect(peers.refusal(`${3 * limits.unreachablePeers - 1}`, 1e9, false)).to.equal(channel);
  });
});
