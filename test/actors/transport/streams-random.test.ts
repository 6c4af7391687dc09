import { expect } from 'chai';
import fc from 'fast-check';
import { HandlerError, MillraceError, StoppedError, UnreachableError } from '#src/errors.js';
import type { ActorRef } from '#src/actors/kernel/index.js';
import { readAll } from '../../support/read-all.js';
import { until } from '../../support/until.js';
import type { Listing } from './errands.js';
import { Listing as service } from './errands.js';
import { endWorlds, listing, PartitionWorld } from './partitions.js';

type Ref = ActorRef<typeof Listing>;

/** One reader: how many elements there are for it, how it reads them, when it leaves. */
const plans = fc.record({
  count: fc.nat(30),
  windowItems: fc.integer({ min: 1, max: 9 }),
  windowBytes: fc.constantFrom(undefined, 1, 5, 30),
  pauseMs: fc.constantFrom(0, 0, 1, 20),
  leaveAfter: fc.option(fc.nat(30), { nil: undefined }),
  failAt: fc.option(fc.nat(40), { nil: undefined, freq: 5 }),
  isFromFar: fc.boolean(),
});
type Plan = typeof plans extends fc.Arbitrary<infer T> ? T : never;

const chance = fc.constantFrom(0, 0, 0.05, 0.2);
const simulations = fc.record({
  seed: fc.nat(1_000_000),
  network: fc.record({
    latencyMs: fc.constantFrom(0, 2),
    jitterMs: fc.constantFrom(0, 4),
    loss: chance,
    duplicate: chance,
    reorder: chance,
  }),
  all: fc.array(plans, { minLength: 1, maxLength: 6 }),
  fault: fc.constantFrom('none', 'none', 'crash', 'cut for a while', 'cut for good'),
  faultAtMs: fc.nat(80),
});
type Simulation = typeof simulations extends fc.Arbitrary<infer T> ? T : never;

interface Outcome {
  readonly plan: Plan;
  readonly values: readonly number[];
  readonly ended: 'complete' | 'left' | 'failed';
  readonly error: unknown;
}

class Run {
  readonly #world: PartitionWorld;
  readonly #all: readonly Plan[];
  readonly asked: number[];
  readonly outcomes: Outcome[] = [];
  begun = 0;
  closed = 0;

  constructor(world: PartitionWorld, all: readonly Plan[]) {
    this.#world = world;
    this.#all = all;
    this.asked = all.map(() => 0);
  }

  server() {
    return listing({ supervision: 'resume', list: (_state, { value: index }) => this.#list(index) });
  }

  async *#list(index: number): AsyncGenerator<{ value: number }> {
    const { count, windowItems, failAt } = this.#all[index] ?? { count: 3, windowItems: 1_000, failAt: undefined };
    this.begun++;
    try {
      for (let value = 0; value < count; value++) {
        if (value === failAt) throw new Error('fails');
        expect(value, 'never ahead of the credit').to.be.below((this.asked[index] ?? 0) + windowItems);
        yield { value };
      }
    } finally {
      this.closed++;
    }
  }

  async read(index: number, plan: Plan, ref: Ref): Promise<void> {
    const { windowItems, windowBytes, pauseMs, leaveAfter } = plan;
    const stream = ref.list({ value: index }, { windowItems, windowBytes, timeoutMs: Number.POSITIVE_INFINITY });
    const values: number[] = [];
    const ends = (ended: Outcome['ended'], error?: unknown) => void this.outcomes.push({ plan, values, ended, error });
    try {
      while (values.length !== leaveAfter) {
        this.asked[index] = (this.asked[index] ?? 0) + 1;
        const { done, value } = await stream.next();
        if (done === true) return ends('complete');
        values.push(value.value);
        if (pauseMs > 0) await this.#world.pass(pauseMs);
      }
      await stream.return();
      return ends('left');
    } catch (error) {
      return ends('failed', error);
    }
  }
}

async function simulate({ seed, network, all, fault, faultAtMs }: Simulation): Promise<void> {
  const world = new PartitionWorld({ seed, ...network, linkDeadMs: 5_000 });
  const [near, far] = [await world.start('a/1'), await world.start('b/1')];
  const run = new Run(world, all);
  const there = world.reach(near, service, far.system.spawn(run.server()));
  const here = world.reach(far, service, near.system.spawn(run.server()));
  for (const [index, plan] of all.entries()) void run.read(index, plan, plan.isFromFar ? here : there);
  await world.pass(faultAtMs);
  if (fault === 'crash') world.network.crash('b');
  if (fault.startsWith('cut')) {
    world.network.partition(['a'], ['b']);
    await world.pass(fault === 'cut for good' ? 30_000 : 1_500);
    world.network.heal();
  }
  await until('all readers to be done', () => run.outcomes.length === all.length);
  const open = (): number => near.system.statistics.openStreams + far.system.statistics.openStreams;
  await until('both ends of all to be gone', () => open() === 0);
  await until('all generators to be closed', () => run.begun === run.closed);
  expect(run.begun, 'none is begun twice').to.be.at.most(all.length);
  for (const { plan, values, ended, error } of run.outcomes) {
    const { count, failAt = count, leaveAfter } = plan;
    expect(values).to.deep.equal(Array.from({ length: values.length }, (_none, index) => index));
    if (ended === 'complete') expect(values).to.have.length(count);
    else if (ended === 'left') expect(values).to.have.length(leaveAfter ?? -1);
    else if (error instanceof HandlerError) expect(values).to.have.length(failAt);
    else {
      expect(error).to.be.instanceOf(MillraceError);
      expect(error instanceof UnreachableError || error instanceof StoppedError, String(error)).to.equal(true);
      expect(fault).to.be.oneOf(['crash', 'cut for good']);
    }
  }
  if (fault !== 'crash') {
    const again = await readAll(there.list({ value: 99 }, { timeoutMs: 60_000 }));
    expect(again, 'goes on when all is well').to.deep.equal({ values: [0, 1, 2] });
  }
}

describe('streams over links at random', () => {
  afterEach(endWorlds);

  it('end complete, left, or with the cause, at both ends, whatever becomes of frames and links', async () => {
    await fc.assert(
      fc.asyncProperty(simulations, async (simulation) => {
        await simulate(simulation);
        await endWorlds.call({} as Mocha.Context);
      }),
      { numRuns: 40, endOnFailure: true },
    );
  }).timeout(120_000);
});
