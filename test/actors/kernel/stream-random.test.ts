import { expect } from 'chai';
import fc from 'fast-check';
import { later, type Stream } from '#src/actors/kernel/index.js';
import { HandlerError, MillraceError, StoppedError } from '#src/errors.js';
import type { Scheduler } from '#src/scheduler/index.js';
import { upTo } from '../../support/numbers.js';
import { until } from '../../support/until.js';
import { closeSystems, counter, testSystem } from './harness.js';

/** One reader: how many elements there are for it, how it reads them, when it leaves. */
interface Plan {
  readonly count: number;
  readonly windowItems: number;
  readonly pauseMs: number;
  readonly leaveAfter: number | undefined;
  readonly failAt: number | undefined;
  /** Every so many elements come later. */
  readonly laterEvery: number;
  readonly workMs: number;
}

const plans: fc.Arbitrary<Plan> = fc.record({
  count: fc.nat(40),
  windowItems: fc.integer({ min: 1, max: 9 }),
  pauseMs: fc.nat(3),
  leaveAfter: fc.option(fc.nat(40), { nil: undefined }),
  failAt: fc.option(fc.nat(60), { nil: undefined, freq: 6 }),
  laterEvery: fc.integer({ min: 1, max: 5 }),
  workMs: fc.nat(2),
});
const disturbances = fc.record({
  atMs: fc.nat(60),
  kind: fc.constantFrom('none', 'none', 'stop the actor', 'restart the actor', 'stop the reader'),
});
type Disturbance = typeof disturbances extends fc.Arbitrary<infer T> ? T : never;

interface Outcome {
  readonly values: readonly number[];
  readonly isComplete: boolean;
  readonly error: unknown;
}

const pass = (scheduler: Scheduler, ms: number): Promise<void> =>
  ms === 0 ? Promise.resolve() : new Promise((resolve) => void scheduler.setTimer(ms, resolve));

async function run(
  all: readonly Plan[],
  { atMs, kind }: Disturbance,
  supervision: 'restart' | 'resume',
): Promise<void> {
  const { system, scheduler } = testSystem();
  const asked = all.map(() => 0);
  let [begun, closed, pushed, reads] = [0, 0, 0, 0];
  let isBusy = false;
  const exclusive = (): void => void expect(isBusy, 'one message at a time').to.equal(false);
  const server = system.spawn(
    counter({
      supervision: { onFailure: supervision, maxRestarts: 1_000, backoff: { minMs: 0, maxMs: 0 } },
      push: () => {
        exclusive();
        pushed++;
      },
      work: () => {
        throw new Error('again');
      },
      count: async function* (_state, { value: index }) {
        const { count, failAt, laterEvery, windowItems, workMs } = all[index] ?? expect.fail('no such plan');
        begun++;
        try {
          for (let next = 0; next < count; next++) {
            exclusive();
            isBusy = true;
            await pass(scheduler, workMs);
            isBusy = false;
            expect(next, 'never ahead of the credit').to.be.below((asked[index] ?? 0) + windowItems);
            if (next === failAt) throw new Error('fails');
            yield next % laterEvery === 0 ? later(pass(scheduler, 1).then(() => ({ value: next }))) : { value: next };
          }
        } finally {
          closed++;
        }
      },
    }),
  );
  const outcomes = new Map<number, Outcome>();
  const read = async (index: number, plan: Plan, stream: Stream<{ value: number }>): Promise<void> => {
    reads++;
    const values: number[] = [];
    try {
      for (;;) {
        asked[index] = (asked[index] ?? 0) + 1;
        if (values.length === plan.leaveAfter) break;
        const { done, value } = await stream.next();
        if (done === true) {
          outcomes.set(index, { values, isComplete: true, error: undefined });
          return;
        }
        values.push(value.value);
        await pass(scheduler, plan.pauseMs);
      }
      await stream.return();
      outcomes.set(index, { values, isComplete: false, error: undefined });
    } catch (error) {
      outcomes.set(index, { values, isComplete: false, error });
    }
  };
  const options = ({ windowItems }: Plan) => ({ windowItems, timeoutMs: 10_000 });
  // Those with an odd number are read by an actor, the others from outside.
  const reader = system.spawn(
    counter({
      push: (_state, { value: index }) => {
        const plan = all[index];
        if (plan !== undefined) void read(index, plan, server.count({ value: index }, options(plan)));
      },
    }),
  );
  for (const [index, plan] of all.entries()) {
    if (index % 2 === 1) reader.push({ value: index });
    else void read(index, plan, server.count({ value: index }, options(plan)));
    server.push({});
  }
  await pass(scheduler, atMs);
  if (kind === 'stop the actor') await system.stop(server);
  if (kind === 'stop the reader') await system.stop(reader);
  if (kind === 'restart the actor') await server.work({}).catch(() => {});
  // Of a reader that stopped before it had begun there is nothing to hear.
  await until(() => outcomes.size === (kind === 'stop the reader' ? reads : all.length));
  await until(() => system.statistics.openStreams === 0);
  await until(() => begun === closed);
  // What generators and readers still wait for themselves.
  await pass(scheduler, 50);
  if (kind !== 'stop the actor') expect(pushed).to.equal(all.length);
  const othersFail =
    supervision === 'restart' && all.some(({ failAt, count }) => failAt !== undefined && failAt < count);
  for (const [index, { values, isComplete, error }] of outcomes) {
    const { count, failAt = count, leaveAfter = Number.POSITIVE_INFINITY } = all[index] ?? expect.fail('no such plan');
    expect(values, `reader ${index}`).to.deep.equal(upTo(values.length));
    if (isComplete) expect(values).to.have.length(count);
    else if (error === undefined) expect(values).to.have.length(leaveAfter);
    else {
      expect(error).to.be.instanceOf(MillraceError);
      if (error instanceof HandlerError) expect(values).to.have.length(failAt);
      else expect(error).to.be.instanceOf(StoppedError);
      expect(error instanceof HandlerError || kind !== 'none' || othersFail, (error as Error).message).to.equal(true);
    }
  }
}

describe('streams at random', () => {
  afterEach(closeSystems);

  it('end complete, left, or with the cause, at both ends, and never ahead of their credit', async () => {
    await fc.assert(
      fc
        .asyncProperty(
          fc.array(plans, { minLength: 1, maxLength: 6 }),
          disturbances,
          fc.constantFrom('restart' as const, 'resume' as const),
          run,
        )
        .afterEach(closeSystems),
      { numRuns: 60, endOnFailure: true },
    );
  }).timeout(120_000);
});
