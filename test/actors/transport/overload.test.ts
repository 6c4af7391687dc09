import { expect } from 'chai';
import type { Scheduler } from '#src/scheduler/index.js';
import { BackpressureError, HandlerError } from '#src/errors.js';
import { offer, overwhelm, pass } from '../../support/offered-load.js';
import { millraceRejection } from '../../support/rejection.js';
import { later } from '#src/actors/kernel/index.js';
import { thrownByHandler } from '#src/protocol/errors/index.js';
import { Errands } from './errands.js';
import { endWorlds, errands, PartitionWorld } from './partitions.js';

/** An actor that can do 100 asks a second, and the number that it has begun. */
function busy(scheduler: Scheduler) {
  const counts = { begun: 0 };
  const behavior = errands({
    run: async (_state, { value, load }) => {
      counts.begun++;
      await pass(scheduler, 10);
      return { value, load };
    },
  });
  return { behavior, counts };
}

describe('an actor that is asked over links for more than it can do', () => {
  afterEach(endWorlds);

  for (const [links, faults] of [
    ['', {}],
    [' over links that reorder frames', { reorder: 0.05 }],
  ] as const) {
    for (const times of [2, 5, 10]) {
      it(`answers in time 90 % of what it can at ${times} times its capacity${links}`, async () => {
        const world = new PartitionWorld({ latencyMs: 1, ...faults });
        const far = await world.start('b/1');
        const { behavior, counts } = busy(world.scheduler);
        const actor = far.system.spawn(behavior);
        const callers = await Promise.all([1, 2].map((number) => world.start(`a/${number}`)));
        const outcomes = await Promise.all(
          callers.map((caller) => {
            const ref = world.reach(caller, Errands, actor);
            return offer(world.scheduler, { perSecond: times * 50, forMs: 2_000, isRandom: true }, () =>
              ref.run({}, { timeoutMs: 60 }),
            );
          }),
        );
        const answered = outcomes.map(({ ['ok']: ok = 0 }) => ok);
        const all = answered.reduce((sum, ok) => sum + ok);
        expect(all, JSON.stringify(outcomes)).to.be.at.least(180);
        expect(counts.begun - all, 'executed in vain').to.be.at.most(20);
        expect(Math.min(...answered), 'shares').to.be.at.least(all / 4);
      });
    }
  }

  it('answers some and refuses the others in real time, when it cannot answer all in time', async () => {
    const world = new PartitionWorld({ isReal: true });
    const [near, far] = [await world.start('a/1'), await world.start('b/1')];
    const ref = world.reach(near, Errands, far.system.spawn(busy(world.scheduler).behavior));
    for (let value = 0; value < 5; value++) await ref.run({ value });
    const codes = await overwhelm((options) => ref.run({}, options));
    expect([...codes]).to.include('BACKPRESSURE');
    for (const code of codes) expect(code).to.be.oneOf(['BACKPRESSURE', 'ASK_ABORTED', 'ASK_TIMEOUT']);
  });

  it('tells its caller when to ask again', async () => {
    const world = new PartitionWorld({ latencyMs: 1 });
    const [near, far] = [await world.start('a/1'), await world.start('b/1')];
    const ref = world.reach(near, Errands, far.system.spawn(busy(world.scheduler).behavior));
    const asked = Array.from({ length: 30 }, (_, value) => ref.run({ value }));
    await asked[3];
    const error = await millraceRejection(ref.run({}, { timeoutMs: 100 }));
    expect(error).to.be.instanceOf(BackpressureError).with.property('retryAfterMs').that.is.within(150, 250);
    await Promise.all(asked);
  });

  it('tells so through routers that do not catch it: those that await, and those that answer later', async () => {
    const world = new PartitionWorld({ latencyMs: 1 });
    const [near, middle, far] = [await world.start('a/1'), await world.start('b/1'), await world.start('c/1')];
    const worker = far.system.spawn(busy(world.scheduler).behavior);
    const target = world.reach(middle, Errands, worker);
    const routers = [
      errands({ run: (_state, request) => later(target.run(request, { timeoutMs: 100 })) }),
      errands({ run: async (_state, request) => target.run(request, { timeoutMs: 100 }) }),
    ];
    const own = far.system.reference(Errands, worker.toRef());
    const asked = Array.from({ length: 40 }, (_, value) => own.run({ value }));
    await asked[3];
    for (const router of routers) {
      const inner = middle.system.spawn(router);
      const outer = middle.system.spawn(errands({ run: (_state, request) => later(inner.run(request)) }));
      for (const ref of [inner, outer, world.reach(near, Errands, outer)]) {
        const error = await millraceRejection(ref.run({}));
        expect(error).to.be.instanceOf(HandlerError).with.property('retryAfterMs').that.is.within(1, 400);
        const thrown = thrownByHandler(error);
        if (ref === inner) expect(thrown).to.be.instanceOf(BackpressureError).and.include({ cause: error });
        if (ref === inner) expect(thrown).to.have.property('retryAfterMs').that.is.within(1, 400);
      }
    }
    await Promise.all(asked);
  });
});
