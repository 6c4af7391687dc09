import { cpus } from 'node:os';
import type { Question, Row } from './question.js';

/** What the numbers depend on. */
export function machine(): string {
  const [cpu] = cpus();
  return `${cpus().length} x ${cpu?.model.trim() ?? 'unknown'}, ${process.platform} ${process.arch}, Node ${process.version}`;
}

/** The rows of one question as a table: Markdown, which reads well on a terminal, too. */
export function table(question: Question, rows: readonly Row[]): string {
  const hasLimit = rows.some(isLimit);
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
      ratio(question, row, peer),
      ...(hasLimit ? [ratio(question, row, limit)] : []),
    ]);
  });
  const head = ['size', 'subject', 'median', 'min', 'max', `x ${question.peer}`, ...(hasLimit ? ['x limit'] : [])];
  const { metric, unit, isMoreBetter, slug } = question;
  return `### ${slug}: ${metric}, ${unit}, ${isMoreBetter ? 'more' : 'less'} is better\n\n${markdown(head, lines)}\n`;
}

function isLimit({ subject }: Row): boolean {
  return subject.startsWith('limit:');
}

/** How many times better than the other; below 1 it is worse. */
function ratio({ isMoreBetter }: Question, row: Row, other: Row | undefined): string {
  if (other === undefined || other.median === 0 || row.median === 0) return '';
  return figure(isMoreBetter ? row.median / other.median : other.median / row.median);
}

/** Three digits that matter. */
function figure(value: number): string {
  const digits = value === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(digits, 4));
}

function markdown(head: readonly string[], lines: readonly (readonly string[])[]): string {
  const widths = head.map((name, column) => Math.max(name.length, ...lines.map((cells) => cells[column]?.length ?? 0)));
  const isText = (column: number): boolean => column < 2;
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, column) => (isText(column) ? cells[column]?.padEnd(width) : cells[column]?.padStart(width))).join(' | ')} |`;
  const rule = `|${widths.map((width, column) => `${'-'.repeat(width + 1)}${isText(column) ? '-' : ':'}`).join('|')}|`;
  return [line(head), rule, ...lines.map(line)].join('\n');
}
