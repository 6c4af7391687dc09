import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { SegmentContext } from 'millrace';
import type { Summary } from '../gen/requests.js';

export interface PathReport {
  readonly path: string;
  readonly requests: number;
  readonly errors: number;
  readonly meanMs: number;
}

/** Sink: adds up the sums, and writes the report at its end, so that a run that starts again leaves nothing half done. */
export async function report(summaries: AsyncIterable<Summary>, out: string, context: SegmentContext): Promise<void> {
  const totals = new Map<string, { requests: number; errors: number; ms: bigint }>();
  for await (const { path, requests, errors, ms } of summaries) {
    const total = totals.get(path) ?? { requests: 0, errors: 0, ms: 0n };
    totals.set(path, { requests: total.requests + requests, errors: total.errors + errors, ms: total.ms + ms });
  }
  const paths: readonly PathReport[] = [...totals]
    .map(([path, { requests, errors, ms }]) => ({ path, requests, errors, meanMs: Math.round(Number(ms) / requests) }))
    .toSorted((a, b) => b.requests - a.requests || a.path.localeCompare(b.path));
  await context.outside(mkdir(dirname(out), { recursive: true }));
  await context.outside(writeFile(out, `${JSON.stringify(paths, undefined, 2)}\n`));
  for (const { path, requests, meanMs } of paths) console.log(`${path}: ${requests} requests, ${meanMs} ms on average`);
}
