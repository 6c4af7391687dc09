import { cpus } from 'node:os';
import type { Metric, Question, Row } from './question.js';
import { longTable } from './long-table.js';
import { wideTable } from './wide-table.js';

/** Describes the machine, on which the numbers depend. */
export function machine(): string {
  const [cpu] = cpus();
  return `${cpus().length} x ${cpu?.model.trim() ?? 'unknown'}, ${process.platform} ${process.arch}, Node ${process.version}`;
}

/** Formats the rows of one question as Markdown tables, one per metric. */
export function tables(question: Question, rows: readonly Row[]): string {
  return [question, ...(question.also ?? [])]
    .flatMap((measured) => {
      const { metric, unit, isMoreBetter } = measured;
      const ofMetric = rows.filter((row) => row.metric === metric);
      if (ofMetric.length === 0) return [];
      const head = `### ${question.slug}: ${metric}, ${unit}, ${isMoreBetter ? 'more' : 'less'} is better`;
      return [head, '', lines(question, measured, ofMetric), ...notes(ofMetric), ''].join('\n');
    })
    .join('\n');
}

function lines(question: Question, measured: Metric, rows: readonly Row[]): string {
  return question.isWide === true ? wideTable(question, rows) : longTable(question, measured, rows);
}

/** Says why some subjects were not measured. */
function notes(rows: readonly Row[]): string[] {
  const said = new Set(rows.flatMap(({ subject, note }) => (note === undefined ? [] : `${subject}: ${note}`)));
  return said.size === 0 ? [] : ['', ...said];
}
