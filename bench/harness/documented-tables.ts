import { readFile, writeFile } from 'node:fs/promises';
import { figure } from './markdown.js';
import type { Question, Row } from './question.js';
import { wideLines } from './wide-table.js';

/** Replaces the tables of a Markdown file that have the same headings. The rest of the file is unchanged. */
export async function renewTables(file: string, questions: readonly Question[], rows: readonly Row[]): Promise<void> {
  const lines = (await readFile(file, 'utf8')).split('\n');
  for (const question of questions) {
    const ofQuestion = rows.filter((row) => row.question === question.slug);
    for (const [heading, table] of tablesOf(question, ofQuestion)) {
      const start = lines.indexOf(heading) + 2;
      if (start === 1) continue;
      const length = lines.slice(start).findIndex((line) => !line.startsWith('|'));
      lines.splice(start, length, ...table);
    }
  }
  await writeFile(file, lines.join('\n'));
}

/** Tables by heading: one per metric, or one per size of a metric. */
function tablesOf(question: Question, rows: readonly Row[]): [string, string[]][] {
  return [question, ...(question.also ?? [])].flatMap(({ metric, unit }) => {
    const ofMetric = rows.filter((row) => row.metric === metric);
    if (question.isWide === true) {
      const lines = wideLines(question, ofMetric, (row) => figure(row.median));
      return [[`\`${question.slug}\`: ${metric}, ${unit}`, table(['subject', ...question.sizes], lines)]];
    }
    return question.sizes.map((size): [string, string[]] => {
      const lines = ofMetric
        .filter((row) => row.size === size)
        .map(({ subject, median, min, max }) => [subject, figure(median), figure(min), figure(max)]);
      return [`\`${question.slug}\`, ${size}: ${metric}, ${unit}`, table(['subject', 'median', 'min', 'max'], lines)];
    });
  });
}

function table(head: readonly string[], lines: readonly (readonly string[])[]): string[] {
  return [
    `| ${head.join(' | ')} |`,
    `|---|${'---:|'.repeat(head.length - 1)}`,
    ...lines.map((cells) => `| ${cells.join(' | ')} |`),
  ];
}
