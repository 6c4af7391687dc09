import { figure, markdown } from './markdown.js';
import type { Question, Row } from './question.js';

/** A line per subject and a column per size: the median, and the spread of the runs. */
export function wideTable(question: Question, rows: readonly Row[]): string {
  return markdown(['subject', ...question.sizes], wideLines(question, rows, withSpread), 1);
}

/** The cells of such a table. A dash if nothing was measured. */
export function wideLines(question: Question, rows: readonly Row[], cell: (row: Row) => string): string[][] {
  const subjects = [...new Set(rows.map(({ subject }) => subject))];
  return subjects.map((subject) => [
    subject,
    ...question.sizes.map((size) => {
      const row = rows.find((each) => each.subject === subject && each.size === size);
      return row === undefined || row.median === null ? '-' : cell(row);
    }),
  ]);
}

function withSpread({ median, min, max, runs }: Row): string {
  return runs === 1 ? figure(median) : `${figure(median)} (${figure(min)}-${figure(max)})`;
}
