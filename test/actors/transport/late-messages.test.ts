import { expect } from 'chai';
import { AskTimeoutError, StoppedError, UnreachableError } from '#src/errors.js';
import { limits } from '#src/limits.js';
import { millraceRejection } from '../../support/rejection.js';
import { Errands } from './errands.js';
import { endWorlds, errands, PartitionWorld } from './partitions.js';

describe('deadlines over a link', () => {
  afterEach(endWorlds);

  it('are the asker s, to the ms, wherever the request is', async () => {
    const world = new PartitionWorld({ latencyMs: 10 });
    const [near, far] = [await world.start('a/1'), await world.start('b/1')];
    const never = far.system.spawn(errands({ run: () => new Promise<never>(() => {}) }));
    const ref = world.reach(near, Errands, never);
    await ref.rush({});
    const from = world.scheduler.now();
    expect(await millraceRejection(ref.run({}, { timeoutMs: 250 }))).to.be.instanceOf(AskTimeoutError);
    expect(world.scheduler.now() - from).to.equal(250);
    await far.system.stop(never);
  });

  it('travel: a request that has expired in a mailbox is not executed', async () => {
    const world = new PartitionWorld();
    const [near, far] = [await world.start('a/1'), await world.start('b/1')];
    const executed: number[] = [];
    const slow = far.system.spawn(
      errands({
        run: async (_state, { value }, context) => {
          executed.push(value);
          await new Promise<void>((resolve) => context.scheduler.setTimer(100, resolve));
          return { value };
        },
      }),
    );
    const ref = world.reach(near, Errands, slow);
    const [first, second, third] = [
      ref.run({ value: 1 }, { timeoutMs: 1_000 }),
      millraceRejection(ref.run({ value: 2 }, { timeoutMs: 50 })),
      ref.run({ value: 3 }, { timeoutMs: 1_000 }),
    ];
    await first;
    expect(await second).to.be.instanceOf(AskTimeoutError);
    await third;
    expect(executed).to.deep.equal([1, 3]);
  });

  it('hold when the process crashed: unreachable, long before', async () => {
    const world = new PartitionWorld({ latencyMs: 5 });
    const [near, far] = [await world.start('a/1'), await world.start('b/1')];
    const never = far.system.spawn(errands({ run: () => new Promise<never>(() => {}) }));
    const ref = world.reach(near, Errands, never);
    await ref.rush({});
    const asked = millraceRejection(ref.run({}, { timeoutMs: 60_000 }));
    await world.pass(20);
    const from = world.scheduler.now();
    world.network.crash('b');
    expect(await asked).to.be.instanceOf(UnreachableError);
    expect(world.scheduler.now() - from).to.equal(5);
    expect(await millraceRejection(ref.run({}, { timeoutMs: 60_000 }))).to.be.instanceOf(UnreachableError);
    expect(ref.push({})).to.equal(false);
    expect(near.system.deadLetters.count).to.equal(1);
  });

  it('hold when the node is cut off: the deadline, or the death of the link', async () => {
    const world = new PartitionWorld();
    const [near, far] = [await world.start('a/1'), await world.start('b/1')];
    const ref = world.reach(near, Errands, far.system.spawn(errands()));
    await ref.rush({});
    world.network.partition(['a'], ['b']);
    const from = world.scheduler.now();
    expect(await millraceRejection(ref.run({}, { timeoutMs: 1_000 }))).to.be.instanceOf(AskTimeoutError);
    expect(world.scheduler.now() - from).to.equal(1_000);
    expect(await millraceRejection(ref.run({}, { timeoutMs: 60_000 }))).to.be.instanceOf(UnreachableError);
    expect(world.scheduler.now() - from).to.equal(3_000);
    // A new link is tried, and cannot be opened in time.
    expect(await millraceRejection(ref.run({}, { timeoutMs: 1_000 }))).to.be.instanceOf(UnreachableError);
    expect(await millraceRejection(ref.run({}, { timeoutMs: 60_000 }))).to.be.instanceOf(UnreachableError);
    expect(world.scheduler.now() - from).to.be.within(4_000, 4_000 + limits.connectTimeoutMs);
    world.network.heal();
    expect(await ref.run({ value: 8 })).to.deep.include({ value: 8 });
  });

  it('let a lost request or reply cost the deadline and no more', async () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const world = new PartitionWorld({ seed, loss: 0.2, duplicate: 0.2, latencyMs: 1 });
      const [near, far] = [await world.start('a/1'), await world.start('b/1')];
      const ref = world.reach(near, Errands, far.system.spawn(errands()));
      let answered = 0;
      for (let value = 0; value < 20; value += 1) {
        const from = world.scheduler.now();
        try {
          expect((await ref.run({ value }, { timeoutMs: 50 })).value, `seed ${seed}`).to.equal(value);
          answered += 1;
        } catch (error) {
          if (!(error instanceof AskTimeoutError)) throw error;
          expect(world.scheduler.now() - from, `seed ${seed}`).to.be.closeTo(50, 1e-6);
        }
      }
      expect(answered, `seed ${seed}`).to.be.greaterThan(5);
    }
  });

  it('and meta of whoever is the first to need a link are not its opening s, which others wait for, too', async () => {
    const world = new PartitionWorld();
    const [near, far] = [await world.start('a/1', { hasJoined: false }), await world.start('b/1')];
    const seen: unknown[] = [];
    // Tells where others are, after longer than the first has.
    const directory = near.system.spawn(
      errands({
        run: async (_state, errand, context) => {
          seen.push(context.meta);
          await new Promise<void>((resolve) => context.scheduler.setTimer(200, resolve));
          return errand;
        },
      }),
    );
    near.router.join(near.ordinal, async () => directory.run({}).then(() => far.address));
    const ref = world.reach(near, Errands, far.system.spawn(errands()));
    let asked: Promise<unknown> = Promise.resolve();
    const hasty = near.system.spawn(
      errands({
        run: (_state, errand) => {
          asked = millraceRejection(ref.run({ value: 1 }));
          return errand;
        },
      }),
    );
    await hasty.run({}, { timeoutMs: 100, meta: { tenant: 'seven' } });
    const answer = await ref.run({ value: 2 });
    expect(answer).to.deep.include({ value: 2 });
    expect(await asked).to.be.instanceOf(UnreachableError);
    expect(seen).to.deep.equal([undefined]);
  });

  it('end with the router: nobody waits for a closed one', async () => {
    const world = new PartitionWorld();
    const [near, far] = [await world.start('a/1'), await world.start('b/1')];
    const ref = world.reach(near, Errands, far.system.spawn(errands({ run: () => new Promise<never>(() => {}) })));
    const asked = millraceRejection(ref.run({}, { timeoutMs: 60_000 }));
    await ref.rush({});
    await near.router.close();
    expect(await asked).to.be.instanceOf(StoppedError);
    expect(await millraceRejection(ref.run({}))).to.be.instanceOf(StoppedError);
    expect(ref.push({})).to.equal(false);
    expect(near.system.deadLetters.count).to.equal(1);
  });
});
