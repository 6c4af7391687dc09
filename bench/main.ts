// `npm run bench -- SUITE`: measures, and prints a table for each question.
import { writeFile } from 'node:fs/promises';
import { exit } from 'node:process';
import { parseArgs } from 'node:util';
import type { Question, Row } from './harness/question.js';
import { keepFilesTogether } from './harness/files.js';
import { type Failure, Runner } from './harness/runner.js';
import { machine, tables } from './harness/table.js';
import { type Suite, suites } from './suites.js';

const usage = `usage: npm run bench -- SUITE [--only QUESTION] [--subject WORDS] [--json FILE] [--quick] [--patience SECONDS]

${Object.entries(suites)
  .map(([name, { about }]) => `  ${name.padEnd(9)} ${about}`)
  .join('\n')}

  --only QUESTION  one question, by the name at the head of its table
  --subject WORDS  only subjects whose names contain these words; may be given more than once
  --json FILE      also writes the rows to a file, as a JSON array
  --quick          shows that everything runs; its numbers say nothing
  --patience SECONDS
                   a subject that is silent for longer has failed (60)`;

interface Arguments {
  readonly name: string;
  readonly suite: Suite;
  readonly questions: readonly Question[];
  readonly json: string | undefined;
  readonly isQuick: boolean;
  readonly patienceMs: number;
}

try {
  const given = await readArguments();
  exit(given === undefined ? 0 : await run(given));
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
  exit(2);
}

/** Undefined when help was wanted, and has been printed. */
async function readArguments(): Promise<Arguments | undefined> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      only: { type: 'string' },
      subject: { type: 'string', multiple: true },
      json: { type: 'string' },
      quick: { type: 'boolean', default: false },
      patience: { type: 'string', default: '60' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return undefined;
  }
  const [name = '', ...others] = positionals;
  const suite = suites[name];
  if (suite === undefined || others.length > 0) throw new Error(`give one suite: ${Object.keys(suites).join(' or ')}`);
  const all = await suite.load();
  const questions = all.filter(({ slug }) => values.only === undefined || slug === values.only);
  if (questions.length === 0) throw new Error(`${name} asks ${all.map(({ slug }) => slug).join(', ')}`);
  const narrowed = values.subject === undefined ? questions : narrow(questions, values.subject);
  const patienceMs = Number(values.patience) * 1_000;
  if (!(patienceMs > 0)) throw new Error(`--patience takes seconds, and not ${values.patience}`);
  return { name, suite, questions: narrowed, json: values.json, isQuick: values.quick, patienceMs };
}

/** The same questions, for some subjects alone. */
function narrow(questions: readonly Question[], words: readonly string[]): Question[] {
  const narrowed = questions.flatMap((question) => {
    const chosen = Object.entries(question.subjects).filter(([name]) => words.some((word) => name.includes(word)));
    return chosen.length === 0 ? [] : [{ ...question, subjects: Object.fromEntries(chosen) }];
  });
  const names = new Set(questions.flatMap(({ subjects }) => Object.keys(subjects)));
  if (narrowed.length === 0) throw new Error(`subjects are ${[...names].join(', ')}`);
  return narrowed;
}

/** Resolves to the exit code: 1 when a subject failed, whose rows are missing then. */
async function run({ name, suite, questions, json, isQuick, patienceMs }: Arguments): Promise<number> {
  const startedAtMs = performance.now();
  console.log(`## ${name}: ${suite.about}\n\n${machine()}\n`);
  const rows: Row[] = [];
  const failures: Failure[] = [];
  keepFilesTogether();
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
  for (const { question, subject, message } of failures) console.error(`bench: ${question}, ${subject}: ${message}`);
  return failures.length === 0 ? 0 : 1;
}
