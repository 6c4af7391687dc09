import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SegmentContext } from 'millrace';
import type { Tally } from '../gen/flights.js';
import { drawChart } from './chart.js';
import { resultOf, toJson } from './result.js';
import { drawSvg } from './svg.js';
import { Counts } from './tally.js';

export interface Results {
  /** Folder, made when it is missing. */
  readonly out: string;
  readonly isQuiet: boolean;
}

/** Sink: puts the tallies together. Nothing is written before all of them are here, so that a run that fails leaves no wrong table. */
export async function merge(
  input: AsyncIterable<Tally>,
  { out, isQuiet }: Results,
  context: SegmentContext,
): Promise<void> {
  const counts = new Counts();
  for await (const tally of input) counts.merge(tally);
  for (const { row, byte, reason } of counts.rejections) context.log.warn('row rejected', { row, byte, reason });

  const result = resultOf(counts);
  await context.outside(mkdir(out, { recursive: true }));
  const [table, picture] = [join(out, 'flights.json'), join(out, 'flights.svg')];
  const part = `${process.pid}-${context.partition}.part`;
  await context.outside(replace(table, toJson(result), part));
  await context.outside(replace(picture, drawSvg(result), part));
  if (!isQuiet) process.stdout.write(`${drawChart(result)}\nWritten to ${table} and ${picture}\n`);
}

/** Whoever reads the file meanwhile sees the old one or the new one, and never half of it. */
async function replace(path: string, text: string, part: string): Promise<void> {
  await writeFile(`${path}.${part}`, text);
  await rename(`${path}.${part}`, path);
}
