import { findCount } from '../harness/count.js';
import type { Effort, Measure, Metric, Question, Subject } from '../harness/question.js';
import { type Pair, pairOf } from './pair.js';
import type { Client } from './peer.js';
import { bytesOf, sizes } from './sizes.js';
import { subjects } from './subjects.js';

/** What all questions about links have in common. */
type About = Pick<Question, 'slug' | keyof Metric> & {
  readonly limits: Readonly<Record<string, Subject>>;
  /** Fewer in one run would not be what the question says. */
  readonly fewest?: number;
};

/** Does something so many times; what is not completed does not count. */
export type Work = (client: Client, sizeBytes: number, count: number) => Promise<void>;

/** One run; resolves to the value of the metric. */
type Run = (...of: Parameters<Work>) => Promise<number>;

/** Done before anything counts, as often as the time below has room for, and once at least: slow peers are compiled after thousands of messages. */
const WARM_UP_COUNT = 8_000;
/** Fast ones are compiled in steps, the last of them after hundreds of thousands: a second and more. */
const WARM_UP_MS = 1_500;

/** Of the first runs. */
const FIRST_COUNT = 8;

/** How often something is done in a second. `perSecond` makes of that the value of the metric. */
export function rates(about: About, work: Work, value: (perSecond: number, sizeBytes: number) => number): Question {
  return asked(about, work, async (client, sizeBytes, count) => {
    const startedAtMs = performance.now();
    await work(client, sizeBytes, count);
    return value((count * 1_000) / (performance.now() - startedAtMs), sizeBytes);
  });
}

/** How long one thing takes that is done after another, with a pause before each: the median. */
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
      const measure = await Promise.race([prepare(pair, effort, bytesOf(size)), pair.gone]);
      return () => Promise.race([measure(), pair.gone]);
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

function withCpu(pair: Pair, count: number, measure: () => Promise<number>): Measure {
  return async () => {
    const beforeUs = await pair.cpuUs();
    const value = await measure();
    return [value, ((await pair.cpuUs()) - beforeUs) / count];
  };
}

/** The median of round trips, in us. */
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
