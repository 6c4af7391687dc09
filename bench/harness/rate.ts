import { findCount } from './count.js';
import type { Effort, Measure } from './question.js';

/** Does `count` operations. Resolves to the number of completed ones, counted where they end. */
export type Work = (count: number) => Promise<number>;

/** Measures completed operations, in millions per second. `tidy` cleans up after a run, outside the measured time. */
export async function rate(
  effort: Effort,
  work: Work,
  tidy: () => Promise<unknown> | void = () => undefined,
): Promise<Measure> {
  const timed = async (count: number): Promise<number> => {
    globalThis.gc?.();
    const startedAtMs = performance.now();
    const completed = await work(count);
    const tookMs = performance.now() - startedAtMs;
    await tidy();
    if (completed !== count) throw new Error(`${count} operations were requested, but ${completed} were completed`);
    return tookMs;
  };
  const count = await findCount(effort, effort.batch, timed);
  return async () => count / (await timed(count)) / 1_000;
}
