import type { Effort, Measure } from './question.js';

/** Does `count` operations; resolves to how many were completed, as counted where they end. */
export type Work = (count: number) => Promise<number>;

/**
 * Measures completed operations, in millions a second. Warms up until `warmUpMs` have passed, and finds the count with which a run
 * takes about `runMs`. `tidy` undoes what a run leaves behind, outside the measured time.
 */
export async function rate(
  { runMs, warmUpMs }: Effort,
  work: Work,
  tidy: () => Promise<unknown> | void = () => undefined,
): Promise<Measure> {
  let count = 1_000;
  const timed = async (): Promise<number> => {
    globalThis.gc?.();
    const startedAtMs = performance.now();
    const completed = await work(count);
    const tookMs = performance.now() - startedAtMs;
    await tidy();
    if (completed !== count) throw new Error(`${count} operations were asked for, ${completed} were completed`);
    return tookMs;
  };
  const readyAtMs = performance.now() + warmUpMs;
  do {
    const tookMs = await timed();
    count = inThousands(Math.min(count * 8, (count * runMs) / Math.max(tookMs, 0.01)));
  } while (performance.now() < readyAtMs);
  return async () => count / (await timed()) / 1_000;
}

/** Work is often done in batches of a thousand. */
function inThousands(count: number): number {
  return Math.max(1, Math.round(count / 1_000)) * 1_000;
}
