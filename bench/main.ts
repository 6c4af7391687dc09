// `npm run bench -- SUITE`: measures a suite, and prints a table per question.
import { writeFile } from 'node:fs/promises';
import { exit } from 'node:process';
import { type Arguments, readArguments, usage } from './arguments.js';
import { renewTables } from './harness/documented-tables.js';
import { useTemporaryFolder } from './harness/files.js';
import type { Row } from './harness/question.js';
import { type Failure, Runner } from './harness/runner.js';
import { machine, tables } from './harness/table.js';

try {
  const given = await readArguments();
  exit(given === undefined ? 0 : await run(given));
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
  exit(2);
}

/** Resolves to the exit code: 1 if a subject failed. Its rows are missing. */
async function run({ name, suite, questions, json, docs, isQuick, patienceMs }: Arguments): Promise<number> {
  const startedAtMs = performance.now();
  console.log(`## ${name}: ${suite.about}\n\n${machine()}\n`);
  const rows: Row[] = [];
  const failures: Failure[] = [];
  useTemporaryFolder();
  const runner = new Runner(name, isQuick ? 'quick' : 'full', patienceMs);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void runner.end().then(() => exit(1)));
  }
  try {
    for (const question of questions) {
      const answers = await runner.ask(question);
      console.log(tables(question, answers.rows));
      rows.push(...answers.rows);
      failures.push(...answers.failures);
    }
  } finally {
    await runner.end();
  }
  console.log(`took ${((performance.now() - startedAtMs) / 1_000).toFixed(0)} s`);
  if (json !== undefined) await writeFile(json, `${JSON.stringify(rows, undefined, 2)}\n`);
  if (docs !== undefined && failures.length === 0) await renewTables(docs, questions, rows);
  for (const { question, subject, message } of failures) console.error(`bench: ${question}, ${subject}: ${message}`);
  return failures.length === 0 ? 0 : 1;
}
