import { figure, markdown } from './markdown.js';
import type { Metric, Question, Row } from './question.js';

/** A line per subject and size: median, spread, and the ratios to the peer and to the limit. */
export function longTable(question: Question, { isMoreBetter }: Metric, rows: readonly Row[]): string {
  const hasLimit = rows.some(isLimit);
  const ratio = (row: Row, other: Row | undefined): string => timesBetter(isMoreBetter, row.median, other?.median);
  const lines = question.sizes.flatMap((size) => {
    const ofSize = rows.filter((row) => row.size === size);
    const peer = ofSize.find(({ subject }) => subject === question.peer);
    const limit = ofSize.find(isLimit);
    return ofSize.map((row) => [
      row.size,
      row.subject,
      figure(row.median),
      figure(row.min),
      figure(row.max),
      ratio(row, peer),
      ...(hasLimit ? [ratio(row, limit)] : []),
    ]);
  });
  const head = ['size', 'subject', 'median', 'min', 'max', `x ${question.peer}`, ...(hasLimit ? ['x limit'] : [])];
  return markdown(head, lines, 2);
}

function isLimit({ subject }: Row): boolean {
  return subject.startsWith('limit:');
}

/** How many times better than the other. Below 1: worse. */
function timesBetter(isMoreBetter: boolean, value: number | null, other: number | null | undefined): string {
  if (!value || !other) return '';
  return figure(isMoreBetter ? value / other : other / value);
}
