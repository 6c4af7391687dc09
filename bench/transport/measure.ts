import { findCount } from '../harness/count.js';
import type { Effort, Measure, Metric, Question, Subject } from '../harness/question.js';
import { type Pair, pairOf } from './pair.js';
import type { Client } from './peer.js';
import { bytesOf, sizes } from './sizes.js';
import { subjects } from './subjects.js';

/** What all questions about links have in common. */
type About = Pick<Question, 'slug' | keyof Metric> & { readonly limits: Readonly<Record<string, Subject>> };

/** Does something so many times; what is not completed does not count. */
export type Work = (client: Client, sizeBytes: number, count: number) => Promise<void>;

/** Trips before the first that counts: one after another, it takes thousands until both ends are compiled, not the time of a warm-up. */
const WARM_UP_TRIPS = 8_000;

/** Bytes of the first, small runs. */
const FIRST_BYTES = 64 * 1_024;

/** How often something is done in a second. `perSecond` makes of that the value of the metric. */
export function rates(about: About, work: Work, value: (perSecond: number, sizeBytes: number) => number): Question {
  return asked(about, async (pair, effort, sizeBytes) => {
    const run = async (count: number): Promise<number> => {
      const startedAtMs = performance.now();
      await work(pair.client, sizeBytes, count);
      return performance.now() - startedAtMs;
    };
    const count = await findCount(effort, Math.ceil(FIRST_BYTES / sizeBytes), run);
    return withCpu(pair, count, async () => value((count * 1_000) / (await run(count)), sizeBytes));
  });
}

/** How long one thing takes that is done after another, with a pause before each: the median. */
export function latencies(about: About, pauseMs: number): Question {
  let isWarm = false;
  return asked(about, async (pair, effort, sizeBytes) => {
    if (!isWarm && effort.warmUpMs > 0) await trips(pair.client, sizeBytes, WARM_UP_TRIPS, 0);
    isWarm = true;
    const run = async (count: number): Promise<number> => {
      const startedAtMs = performance.now();
      await trips(pair.client, sizeBytes, count, pauseMs);
      return performance.now() - startedAtMs;
    };
    const count = await findCount(effort, 8, run);
    return withCpu(pair, count, () => trips(pair.client, sizeBytes, count, pauseMs));
  });
}

function asked(
  { limits, ...about }: About,
  prepare: (pair: Pair, effort: Effort, sizeBytes: number) => Promise<Measure>,
): Question {
  const measured = Object.keys(subjects).map((name): [string, Subject] => [
    name,
    async (effort, size) => prepare(await pairOf(name), effort, bytesOf(size)),
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
    globalThis.gc?.();
    const beforeUs = await pair.cpuUs();
    const value = await measure();
    return [value, ((await pair.cpuUs()) - beforeUs) / count];
  };
}

/** The median of round trips, in us. */
async function trips(client: Client, sizeBytes: number, count: number, pauseMs: number): Promise<number> {
  const takenUs = new Float64Array(count);
  for (let trip = 0; trip < count; trip += 1) {
    if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    const startedAtMs = performance.now();
    await new Promise<void>((answered) => client.ask(sizeBytes, answered));
    takenUs[trip] = (performance.now() - startedAtMs) * 1_000;
  }
  return takenUs.sort()[count >> 1] ?? Number.NaN;
}
