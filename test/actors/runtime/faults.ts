import { expect } from 'chai';
import fc from 'fast-check';
import { PipelineError } from '#src/errors.js';
import type { ExecutorOptions, Pipeline, PipelineRun } from '#src/actors/runtime/index.js';
import { sorted, upTo } from '../../support/numbers.js';
import { closeAfterEach, Cluster, startFlow } from './harness.js';
import type { FlowArgs } from './pipelines/declare-flow.js';
import flow from './pipelines/flow.js';
import restarting from './pipelines/flow-restart.js';

const COUNT = 400;

interface Scaling {
  readonly atMs: number;
  readonly segment: 'stage' | 'sink';
  readonly change: 'add' | 'drain';
}

interface Simulation {
  readonly seed: number;
  readonly network: Partial<ExecutorOptions>;
  readonly policy: 'round-robin' | 'broadcast' | 'hash';
  readonly stages: number;
  readonly sinks: number;
  readonly items: number;
  readonly bytes: number;
  /** The stage takes a millisecond for each row. */
  readonly isSlow: boolean;
  readonly crashAtMs: number | undefined;
  /** When instances come and go. */
  readonly scaling: readonly Scaling[];
  /** Started by a process that reaches the control plane by links only. */
  readonly isStartedFar: boolean;
}

const scaling: fc.Arbitrary<Scaling> = fc.record({
  atMs: fc.integer({ min: 1, max: 400 }),
  segment: fc.constantFrom('stage', 'sink'),
  change: fc.constantFrom('add', 'drain'),
});
const chance = fc.double({ min: 0, max: 0.08, noNaN: true });
const simulation: fc.Arbitrary<Simulation> = fc.record({
  seed: fc.nat({ max: 1_000_000 }),
  network: fc.record({
    latencyMs: fc.constantFrom(0, 1, 5),
    jitterMs: fc.constantFrom(0, 3),
    loss: chance,
    duplicate: chance,
    reorder: chance,
  }),
  policy: fc.constantFrom('round-robin', 'broadcast', 'hash'),
  stages: fc.integer({ min: 1, max: 3 }),
  sinks: fc.integer({ min: 1, max: 2 }),
  items: fc.constantFrom(1, 4, 64, 1_024),
  bytes: fc.constantFrom(40, 700, 1_048_576),
  isSlow: fc.boolean(),
  scaling: fc.array(scaling, { maxLength: 5 }),
  crashAtMs: fc.option(fc.integer({ min: 1, max: 600 }), { nil: undefined }),
  isStartedFar: fc.boolean(),
});

/** Ids that the sinks read; the error where the run failed. A run that never ends fails the test by its deadline in virtual time. */
async function simulate(pipeline: Pipeline<FlowArgs>, given: Simulation): Promise<readonly number[] | Error> {
  const { seed, network, policy, stages, sinks, items, bytes, isSlow, crashAtMs, scaling } = given;
  const cluster = new Cluster({ ...network, seed });
  const window = { streamWindow: { items, bytes } };
  const control = await cluster.start(window);
  const other = await cluster.start(window);
  const third = await cluster.start(window);
  const { run, board } = await startFlow(
    given.isStartedFar ? third : control,
    pipeline,
    { count: COUNT, policy, stages, sinks },
    {
      board: (on) => {
        on.stage = isSlow ? () => cluster.pass(1) : undefined;
      },
    },
  );
  for (const each of scaling) {
    void cluster.pass(each.atMs).then(() => scale(run, each));
  }
  if (crashAtMs !== undefined) {
    void cluster.pass(crashAtMs).then(() => cluster.executor.crash(other.node));
  }
  const overdue = cluster.pass(3_600_000).then(() => new Error('an hour has passed, and it has not ended'));
  const ended = run.done.then(
    () => board.sunk.map(({ id }) => id),
    (error: Error) => error,
  );
  const outcome = await Promise.race([ended, overdue]);
  await cluster.close({ ignoresTimers: true });
  return outcome;
}

/** May be refused: the last instance is not drained, and a segment that has begun to end takes no further one. */
async function scale(run: PipelineRun, { segment, change }: Scaling): Promise<void> {
  const [instance] = run.instances(segment);
  if (change === 'add') await run.addInstance(segment).catch(() => {});
  else if (instance !== undefined) await run.drainInstance(instance).catch(() => {});
}

function expected({ policy, stages }: Simulation): number[] {
  const times = policy === 'broadcast' ? stages : 1;
  return sorted(Array.from({ length: times }, () => upTo(COUNT)).flat());
}

/** A broadcast to instances that come and go has no one result. */
function isScaledBroadcast({ policy, scaling }: Simulation): boolean {
  return policy === 'broadcast' && scaling.length > 0;
}

/** Prints the case, its seed among it, on failure: `fc.assert` does. */
async function holds(numRuns: number, check: (given: Simulation) => Promise<void>): Promise<void> {
  await fc.assert(
    fc.asyncProperty(
      simulation.filter((given) => !isScaledBroadcast(given)),
      check,
    ),
    { numRuns, endOnFailure: true },
  );
}

/** Declares the properties, each for `numRuns` random networks, faults and changes of scale. */
export function describeFaults(numRuns: number): void {
  describe('a pipeline on a network that loses, duplicates, delays and reorders', function () {
    this.timeout(180_000);
    closeAfterEach();

    it('has the clean result where it may start anew, with a crash and without', () =>
      holds(numRuns, async (given) => {
        const outcome = await simulate(restarting, given);
        if (outcome instanceof Error) throw outcome;
        expect(sorted(outcome)).to.deep.equal(expected(given));
      }));

    it('has the clean result, or fails with a PipelineError, where it may not; never a wrong result', () =>
      holds(numRuns, async (given) => {
        const outcome = await simulate(flow, given);
        if (outcome instanceof Error) expect(outcome).to.be.instanceOf(PipelineError);
        else expect(sorted(outcome)).to.deep.equal(expected(given));
      }));

    it('has the clean result for any seed where frames are only delayed', () =>
      holds(numRuns, async (given) => {
        const network = { latencyMs: given.network.latencyMs ?? 0, jitterMs: 3 };
        const outcome = await simulate(flow, { ...given, network, crashAtMs: undefined });
        if (outcome instanceof Error) throw outcome;
        expect(sorted(outcome)).to.deep.equal(expected(given));
      }));
  });
}
