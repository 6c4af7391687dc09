import { expect } from 'chai';
import type { ActorRef } from '#src/actors/kernel/index.js';
import { gate } from '../../support/deferred.js';
import { until } from '../../support/until.js';
import { Errands } from './errands.js';
import { endWorlds, errands, PartitionWorld } from './partitions.js';

const REPLY_BYTES = 2_000_000;
const LOAD = new Uint8Array(100_000);
const FOREVER = { timeoutMs: 60_000 };

/** The code of each error, and `reply`. */
function counting() {
  const counts: Record<string, number> = {};
  const count = (asked: Promise<unknown>): Promise<void> =>
    asked
      .then(
        () => 'reply',
        (error: Error) => error.name,
      )
      .then((name) => void (counts[name] = (counts[name] ?? 0) + 1));
  return { counts, count };
}

describe('replies that callers do not take', () => {
  afterEach(endWorlds);

  /** `slow` callers that take nothing from now on, each with asks whose replies are given by `open`, and a fast one. */
  async function setUp(slow: number, asksOfEach: number) {
    const world = new PartitionWorld({ linkLimits: { replyBytes: REPLY_BYTES }, linkDeadMs: 30_000 });
    const far = await world.start('far/1');
    const { passed, open } = gate();
    let held = 0;
    const waiting = errands({
      run: (_state, { value }) => {
        if (value === 0) return { load: LOAD };
        held++;
        return passed.then(() => ({ load: LOAD }));
      },
    });
    const { counts, count } = counting();
    const fast: ActorRef<typeof Errands> = world.reach(
      await world.start('fast/1'),
      Errands,
      far.system.spawn(errands({ run: () => ({ load: LOAD }) })),
    );
    await fast.run({});
    for (let index = 0; index < slow; index++) {
      const caller = await world.start(`slow/${index}`);
      for (let asked = 0; asked < asksOfEach; asked++) {
        void count(world.reach(caller, Errands, far.system.spawn(waiting)).run({ value: 1 }, FOREVER));
      }
    }
    await until('all to be asked', () => held === slow * asksOfEach);
    world.network.partition(['slow'], ['far']);
    return { world, far, fast, counts, open };
  }

  it('are bounded for all links together, and a link that takes what it is sent gets all of its own', async () => {
    const { world, far, fast, counts, open } = await setUp(8, 60);
    open();
    await until('all to be done', () => far.system.statistics.pendingAsks === 0);
    for (let asked = 0; asked < 40; asked++) {
      expect(await fast.run({}, { timeoutMs: 1_000 }))
        .to.have.property('load')
        .with.lengthOf(LOAD.length);
      expect(far.router.waitingReplies.total).to.be.at.most(REPLY_BYTES + 9 * LOAD.length);
    }
    expect(far.router.waitingReplies.total).to.be.at.least(REPLY_BYTES / 2);
    world.network.heal();
    await until('all to be told', () => Object.values(counts).reduce((sum, count) => sum + count, 0) === 480);
    expect(counts['reply'], 'sent, or kept').to.be.within(8 * 10, 8 * 17);
    expect(counts['BackpressureError']).to.equal(480 - (counts['reply'] ?? 0));
    expect(far.router.waitingReplies.total).to.equal(0);
  });

  it('of one slow link take a quarter of the bound', async () => {
    const { world, far, open } = await setUp(1, 80);
    open();
    await world.pass(1);
    expect(far.router.waitingReplies.total).to.be.within(REPLY_BYTES / 4, REPLY_BYTES / 4 + 2 * LOAD.length);
    world.network.heal();
    await world.pass(1_000);
  });

  it('close the slowest links, when not even the refusals are taken', async () => {
    const { world, far, fast, counts, open } = await setUp(4, 3_000);
    open();
    await world.pass(100);
    expect([...far.router.channels()].length, 'links that are left').to.be.within(1, 4);
    expect(far.router.waitingReplies.total).to.be.at.most(REPLY_BYTES + LOAD.length);
    await fast.run({}, { timeoutMs: 1_000 });
    world.network.heal();
    await until('all to be told', () => Object.values(counts).reduce((sum, count) => sum + count, 0) === 12_000);
    expect(counts['UnreachableError']).to.be.at.least(3_000);
  }).timeout(120_000);
});
