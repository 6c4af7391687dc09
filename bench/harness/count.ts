import type { Effort } from './question.js';

/**
 * Runs something for `warmUpMs`, and finds the count with which a run takes about `runMs`. The count is a multiple of `unit`.
 * `run` resolves to its duration, in ms.
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
