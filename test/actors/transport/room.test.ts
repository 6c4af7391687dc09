import { expect } from 'chai';
import { routeKey } from '#src/actors/kernel/index.js';
import { UnreachableError } from '#src/errors.js';
import { upTo } from '../../support/numbers.js';
import { millraceRejection } from '../../support/rejection.js';
import { until } from '../../support/until.js';
import { Errands } from './errands.js';
import { endWorlds, errands, type Partition, PartitionWorld } from './partitions.js';

const hasNoLink = ({ router }: Partition): boolean => [...router.channels()].length === 0;

async function setUp() {
  const world = new PartitionWorld({ latencyMs: 1, linkDeadMs: 1_000 });
  const [near, far] = [await world.start('a/1'), await world.start('b/1')];
  const ref = world.reach(near, Errands, far.system.spawn(errands()));
  /** The room of the actor; reading it a hundred times must have no effect. */
  const read = async () => {
    const before = { channels: [...near.router.channels()], lookups: world.lookups };
    const rooms = new Set(upTo(100).map(() => ref[routeKey].room));
    await world.pass(100);
    expect({ channels: [...near.router.channels()], lookups: world.lookups }).to.deep.equal(before);
    return [...rooms];
  };
  return { world, near, far, ref, read };
}

describe('the room of an actor behind a link', () => {
  afterEach(endWorlds);

  it('is free before there is a link, and opens none; the first tell does', async () => {
    const { near, ref, read } = await setUp();
    expect(await read()).to.deep.equal(['free']);
    expect(hasNoLink(near)).to.equal(true);
    await ref.whenReady.push({});
    expect(hasNoLink(near)).to.equal(false);
    await ref.run({});
    expect(await read()).to.deep.equal(['free']);
  });

  it('is that of the link which another reference has opened', async () => {
    const { world, near, far, ref, read } = await setUp();
    await world.reach(near, Errands, far.system.spawn(errands())).run({});
    expect(await read()).to.deep.equal(['free']);
    await ref.run({});
    expect([...near.router.channels()].length).to.equal(1);
  });

  it('is free after a link was lost, closed after an attempt has failed, and opens no link then', async () => {
    const { world, near, ref, read } = await setUp();
    await ref.run({});
    world.network.partition(['a'], ['b']);
    await until('the link to be lost', () => hasNoLink(near));
    expect(await read()).to.deep.equal(['free']);
    expect(await millraceRejection(ref.run({}, { timeoutMs: 20_000 }))).to.be.instanceOf(UnreachableError);
    expect(await read()).to.deep.equal(['closed']);
    world.network.heal();
    await world.pass(10_000);
    expect(await read()).to.deep.equal(['closed']);
    await ref.whenReady.push({});
    expect(await read()).to.deep.equal(['free']);
  });

  it('is closed when its process has ended for good, when the actor has stopped, and when the links of this partition end', async () => {
    const { world, near, far, ref, read } = await setUp();
    const stopped = far.system.spawn(errands());
    const other = world.reach(near, Errands, stopped);
    await far.system.stop(stopped);
    other.push({});
    await until('the actor to stop', () => other[routeKey].room === 'closed');
    await ref.run({});
    world.network.crash('b');
    world.retire(far);
    await until('the link to be lost', () => hasNoLink(near));
    expect(await millraceRejection(ref.run({}))).to.be.instanceOf(UnreachableError);
    expect(await read()).to.deep.equal(['closed']);

    const third = await world.start('c/1');
    const never = world.reach(near, Errands, third.system.spawn(errands()));
    expect(never[routeKey].room).to.equal('free');
    await near.router.close();
    expect(never[routeKey].room).to.equal('closed');
  });
});
