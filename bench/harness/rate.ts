import { findCount } from './count.js';
import type { Effort, Measure } from './question.js';

/** Does `count` operations; resolves to how many were completed, as counted where they end. */
export type Work = (count: number) => Promise<number>;

/** Work is often done in batches of so many. */
const BATCH = 1_000;

/** Measures completed operations, in millions a second. `tidy` undoes what a run leaves behind, outside the measured time. */
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
    if (completed !== count) throw new Error(`${count} operations were asked for, ${completed} were completed`);
    return tookMs;
  };
  const count = await findCount(effort, BATCH, timed);
  return async () => count / (await timed(count)) / 1_000;
}
