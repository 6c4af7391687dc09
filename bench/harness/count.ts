import type { Effort } from './question.js';

/**
 * Runs something until `warmUpMs` have passed, and finds the count with which a run takes about `runMs`: a multiple of `unit`.
 * `run` resolves to the time it took, in ms.
 */
export async function findCount(
  { runMs, warmUpMs }: Effort,
  unit: number,
  run: (count: number) => Promise<number>,
): Promise<number> {
  const readyAtMs = performance.now() + warmUpMs;
  let count = unit;
  do {
    const tookMs = await run(count);
    const next = Math.min(count * 8, (count * runMs) / Math.max(tookMs, 0.01));
    count = Math.max(1, Math.round(next / unit)) * unit;
  } while (performance.now() < readyAtMs);
  return count;
}
