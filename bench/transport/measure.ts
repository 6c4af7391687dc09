import { findCount } from '../harness/count.js';
import type { Effort, Measure, Metric, Question, Subject } from '../harness/question.js';
import { type Pair, pairOf, withCpu } from './pair.js';
import type { Client } from './peer.js';
import { bytesOf, sizes } from './sizes.js';
import { subjects } from './subjects.js';

/** The common part of all questions about links. */
type About = Pick<Question, 'slug' | keyof Metric> & {
  readonly limits: Readonly<Record<string, Subject>>;
  /** Smallest number of operations per run with which the question makes sense. */
  readonly fewest?: number;
};

/** Does something `count` times, and waits until all are completed. */
export type Work = (client: Client, sizeBytes: number, count: number) => Promise<void>;

/** One run. Resolves to the value of the metric. */
type Run = (...of: Parameters<Work>) => Promise<number>;

/** Most operations of the warm-up, at least one, within the time below. Slow peers are compiled after thousands of messages. */
const WARM_UP_COUNT = 8_000;
/** Duration of the warm-up. Fast peers are compiled in steps, the last after hundreds of thousands of messages: more than a second. */
const WARM_UP_MS = 1_500;

/** Operations of the first runs. */
const FIRST_COUNT = 8;

/** Measures operations per second. `value` converts them to the metric. */
export function rates(about: About, work: Work, value: (perSecond: number, sizeBytes: number) => number): Question {
  return asked(about, work, async (client, sizeBytes, count) => {
    const startedAtMs = performance.now();
    await work(client, sizeBytes, count);
    return value((count * 1_000) / (performance.now() - startedAtMs), sizeBytes);
  });
}

/** Measures the median duration of one operation, done one after the other, with a pause before each. */
export function latencies(about: About, pauseMs: number): Question {
  const warmUp: Work = async (client, sizeBytes, count) => {
    await medianTrip(client, sizeBytes, count, 0);
  };
  return asked(about, warmUp, (client, sizeBytes, count) => medianTrip(client, sizeBytes, count, pauseMs));
}

function asked({ limits, fewest = FIRST_COUNT, ...about }: About, warmUp: Work, run: Run): Question {
  let isWarm = false;
  const prepare = async (pair: Pair, effort: Effort, sizeBytes: number): Promise<Measure> => {
    const { client } = pair;
    const isQuick = effort.warmUpMs === 0;
    const warmMs = performance.now() + WARM_UP_MS;
    while (!isWarm && !isQuick) {
      await warmUp(client, sizeBytes, WARM_UP_COUNT);
      isWarm = performance.now() > warmMs;
    }
    const count = await findCount(effort, isQuick ? 1 : fewest, async (runCount) => {
      const startedAtMs = performance.now();
      await run(client, sizeBytes, runCount);
      return performance.now() - startedAtMs;
    });
    return withCpu(pair, count, () => run(client, sizeBytes, count));
  };
  const measured = Object.keys(subjects).map((name): [string, Subject] => [
    name,
    async (effort, size) => {
      const pair = await pairOf(name);
      const measure = await Promise.race([prepare(pair, effort, bytesOf(size)), pair.exited]);
      return () => Promise.race([measure(), pair.exited]);
    },
  ]);
  return {
    ...about,
    also: [{ metric: 'CPU time of both ends, per message', unit: 'us', isMoreBetter: false }],
    sizes,
    isWide: true,
    peer: 'node:net (unix)',
    subjects: { ...Object.fromEntries(measured), ...limits },
  };
}

/** The median of the round trips, in us. */
async function medianTrip(client: Client, sizeBytes: number, count: number, pauseMs: number): Promise<number> {
  const takenUs = new Float64Array(count);
  for (let trip = 0; trip < count; trip += 1) {
    if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    const startedAtMs = performance.now();
    await new Promise<void>((answered) => client.ask(sizeBytes, answered));
    takenUs[trip] = (performance.now() - startedAtMs) * 1_000;
  }
  return takenUs.sort()[count >> 1] ?? Number.NaN;
}
