import { expect } from 'chai';
import { State } from '#src/actors/control-plane/index.js';
import { behavior } from '#src/actors/kernel/index.js';
import { SegmentFollower } from '#src/actors/runtime/segment-follower.js';
import { memoryLogger } from '#src/logging/index.js';
import { v1 } from '#src/protocol/index.js';
import { until } from '../../support/until.js';
import { endWorlds, PartitionWorld } from '../transport/partitions.js';

const SEGMENT = v1.Segment.create({ name: 'read', partition: 2 });

/** Follows a segment of a partition that is behind a link. */
async function setUp() {
  const world = new PartitionWorld({ linkDeadMs: 500 });
  const [near, far] = [await world.start('a/1'), await world.start('b/1')];
  const registered: number[] = [];
  const manager = far.system.spawn(
    behavior(v1.SegmentsManager, {
      register: (_state, { id }) => {
        registered.push(id);
        return {};
      },
      activate: () => ({}),
      drain: () => ({}),
      stop: () => ({}),
      unregister: () => ({}),
      describe: () => ({}),
    }),
  );
  const ref = world.reach(near, v1.SegmentsManager, manager);
  const situation = { isEnding: false };
  const partitions = { stopping: () => {}, gone: () => {} };
  const follower = new SegmentFollower({
    scheduler: world.scheduler,
    log: memoryLogger(),
    partitions,
    isEnding: () => situation.isEnding,
  });
  const request = (requested: State): void =>
    follower.follow(ref, v1.Resource.create({ id: 9, requested, actual: State.INITIALIZED }), SEGMENT);
  return { world, follower, registered, situation, request };
}

describe('the requests of the segments of a partition', () => {
  afterEach(endWorlds);

  it('reach it when its link was lost for long, once', async () => {
    const { world, registered, request } = await setUp();
    world.network.partition(['a'], ['b']);
    request(State.CREATED);
    await world.pass(60_000);
    expect(registered).to.deep.equal([]);
    world.network.heal();
    await until('the segment to be registered', () => registered.length > 0);
    await world.pass(20_000);
    expect(registered).to.deep.equal([9]);
  });

  it('are not sent again when the segment is forgotten, and when the runtime ends', async () => {
    for (const end of ['forgotten', 'ending', 'closed']) {
      const { world, follower, registered, situation, request } = await setUp();
      world.network.partition(['a'], ['b']);
      request(State.CREATED);
      await world.pass(5_000);
      if (end === 'forgotten') follower.forget(9);
      else if (end === 'ending') situation.isEnding = true;
      else follower.close();
      await world.pass(20_000);
      world.network.heal();
      await world.pass(20_000);
      expect(registered, end).to.deep.equal([]);
      expect(world.scheduler.pendingTimers, end).to.equal(0);
    }
  });
});
