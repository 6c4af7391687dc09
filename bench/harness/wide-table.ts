import { figure, markdown } from './markdown.js';
import type { Question, Row } from './question.js';

/** A line for each subject, a column for each size: the median, and how far runs spread. */
export function wideTable(question: Question, rows: readonly Row[]): string {
  const subjects = [...new Set(rows.map(({ subject }) => subject))];
  const lines = subjects.map((subject) => [
    subject,
    ...question.sizes.map((size) => cell(rows.find((row) => row.subject === subject && row.size === size))),
  ]);
  return markdown(['subject', ...question.sizes], lines, 1);
}

function cell(row: Row | undefined): string {
  if (row === undefined || row.median === null) return '-';
  return row.runs === 1 ? figure(row.median) : `${figure(row.median)} (${figure(row.min)}-${figure(row.max)})`;
}
