import { expect } from 'chai';
import { componentNetwork } from '#src/actors/component/index.js';
import { utilisation } from '#src/actors/governor/index.js';
import { PartitionLoops } from '#src/actors/governor/partition-loops.js';
import { scalerOf } from '#src/actors/governor/strategy.js';
import { clerk } from '../component/clerk.js';
import { closeAfterEach, describeHosted, until } from '../runtime/harness.js';
import { Listing } from '../transport/errands.js';

const loop = (ordinal: number, activeMs: number, idleMs: number, state: 'responsive' | 'wedged' = 'responsive') => ({
  ordinal,
  state,
  eventLoop: { activeMs, idleMs },
});

describe('the utilization of event loops', () => {
  it('is that between two reports, and unknown before', () => {
    const loops = new PartitionLoops();
    loops.look([loop(1, 100, 900), loop(2, 0, 0)]);
    expect(loops.averageOf([1, 2])).to.equal(undefined);
    loops.look([loop(1, 850, 1_150), loop(2, 0, 1_000)]);
    expect(loops.averageOf([1])).to.equal(0.75);
    expect(loops.averageOf([1, 1, 2])).to.equal(0.5);
    // No report has come since.
    loops.look([loop(1, 850, 1_150), loop(2, 0, 1_000)]);
    expect(loops.averageOf([1])).to.equal(0.75);
    expect(loops.averageOf([3])).to.equal(undefined);
  });

  it('is 1 of a loop that is blocked, and begins anew with a partition that does', () => {
    const loops = new PartitionLoops();
    loops.look([loop(1, 100, 900)]);
    loops.look([loop(1, 100, 900, 'wedged')]);
    expect(loops.averageOf([1])).to.equal(1);
    loops.look([loop(1, 5, 5)]);
    expect(loops.averageOf([1])).to.equal(undefined);
  });

  it('decides, and nothing does before it is known', () => {
    const pool = {
      nowMs: 0,
      containers: 4,
      starting: 0,
      busy: 4,
      waiting: 9,
      oldestWaitMs: 0,
      arrived: 9,
      startMs: 0,
      serviceMs: 9,
    };
    const decided = (utilization: number | undefined): number =>
      scalerOf(utilisation())({ kind: 'tick', pool: { ...pool, utilization } }).containers;
    expect([decided(0.9), decided(0.5), decided(0.1), decided(undefined)]).to.deep.equal([5, 4, 3, 4]);
    const last = { ...pool, containers: 1, busy: 1, utilization: 0 };
    expect(scalerOf(utilisation())({ kind: 'tick', pool: last }).containers).to.equal(1);
  });
});

describeHosted('the event loop of a partition', (newCluster) => {
  closeAfterEach();

  it('is reported with its health: it works while a container does, and waits otherwise', async () => {
    const cluster = newCluster();
    const runtime = await cluster.start();
    await using network = componentNetwork(runtime);
    await network.serve(clerk);
    const client = await network.client(Listing);
    await client.run({ value: 0 });
    const timeOf = () => {
      const [, hosted] = runtime.health().partitions;
      if (hosted === undefined) throw new Error('there is no hosted partition');
      return hosted.eventLoop;
    };
    await until(() => timeOf().idleMs > 0);
    const { activeMs, idleMs } = timeOf();
    // How much of the time is which depends on the machine.
    await until(() => timeOf().idleMs > idleMs && timeOf().activeMs > activeMs);
  });
});
