import { findCount } from '../harness/count.js';
import type { Effort, Measure, Metric, Question, Subject } from '../harness/question.js';
import { type Pair, pairOf, withCpu } from '../transport/pair.js';
import type { Client } from '../transport/peer.js';
import { valueBytesOf, valueSizes } from './sizes.js';
import { valueSubjects } from './subjects.js';

export interface Between extends Metric {
  readonly slug: string;
  readonly limit: Subject;
  /** Sends so many values, one run. Resolves to the value of the metric. */
  readonly run: (client: Client, sizeBytes: number, count: number) => Promise<number>;
}

/** Time for which each subject works before it is measured with a size: both ends are compiled then, and pools have their memory. */
const WARM_UP_MS = 400;

/** A question about values between both ends of each subject. */
export function between({ run, limit, ...about }: Between): Question {
  const prepare = async (pair: Pair, effort: Effort, sizeBytes: number): Promise<Measure> => {
    const { client } = pair;
    const count = await countOf(effort, async (values) => {
      const startedAtMs = performance.now();
      await run(client, sizeBytes, values);
      return performance.now() - startedAtMs;
    });
    return withCpu(pair, count, () => run(client, sizeBytes, count));
  };
  const measured = Object.keys(valueSubjects).map((name): [string, Subject] => [
    name,
    async (effort, size) => {
      const pair = await pairOf(name);
      const measure = await Promise.race([prepare(pair, effort, valueBytesOf(size)), pair.exited]);
      return () => Promise.race([measure(), pair.exited]);
    },
  ]);
  return {
    ...about,
    also: [{ metric: 'CPU time of both ends, per message', unit: 'us', isMoreBetter: false }],
    sizes: valueSizes,
    isWide: true,
    peer: 'zeromq (ipc)',
    subjects: { ...Object.fromEntries(measured), 'limit: memcpy': limit },
  };
}

/** How many values a run has. */
async function countOf(effort: Effort, run: (count: number) => Promise<number>): Promise<number> {
  // A run of the largest value is long enough for a quick measurement.
  return effort.warmUpMs === 0 ? 1 : findCount({ ...effort, warmUpMs: WARM_UP_MS }, 1, run);
}
