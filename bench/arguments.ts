import { access } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import type { Question } from './harness/question.js';
import { type Suite, suites } from './suites.js';

/** A quick run of a subject takes a second or two, also where all of them share two cores. */
const QUICK_PATIENCE_S = 20;

export const usage = `usage: npm run bench -- SUITE [--only QUESTION] [--subject WORDS] [--json FILE] [--docs FILE] [--quick] [--patience SECONDS]

${Object.entries(suites)
  .map(([name, { about }]) => `  ${name.padEnd(9)} ${about}`)
  .join('\n')}

  --only QUESTION  one question, by the name at the head of its table
  --subject WORDS  only subjects whose names contain these words; may be given more than once
  --json FILE      also writes the rows to a file, as a JSON array
  --docs FILE      also puts the tables into a Markdown file, in place of those with the same headings
  --quick          shows that everything runs; its numbers say nothing
  --patience SECONDS
                   a subject that is silent for longer has failed (60; ${QUICK_PATIENCE_S} with --quick)`;

export interface Arguments {
  readonly name: string;
  readonly suite: Suite;
  readonly questions: readonly Question[];
  readonly json: string | undefined;
  readonly docs: string | undefined;
  readonly isQuick: boolean;
  readonly patienceMs: number;
}

/** Returns undefined after it has printed the help. */
export async function readArguments(): Promise<Arguments | undefined> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      only: { type: 'string' },
      subject: { type: 'string', multiple: true },
      json: { type: 'string' },
      docs: { type: 'string' },
      quick: { type: 'boolean', default: false },
      patience: { type: 'string' },
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
  if (values.docs !== undefined && values.subject !== undefined)
    throw new Error('--docs needs all subjects: leave out --subject');
  if (values.docs !== undefined) await access(values.docs);
  const patience = values.patience ?? (values.quick ? QUICK_PATIENCE_S : 60);
  const patienceMs = Number(patience) * 1_000;
  if (!(patienceMs > 0 && patienceMs < 2 ** 31))
    throw new Error(`--patience takes a number of seconds; got ${patience}`);
  const { json, docs, quick: isQuick } = values;
  return { name, suite, questions: narrowed, json, docs, isQuick, patienceMs };
}

/** The same questions, for some subjects only. */
function narrow(questions: readonly Question[], words: readonly string[]): Question[] {
  const narrowed = questions.flatMap((question) => {
    const chosen = Object.entries(question.subjects).filter(([name]) => words.some((word) => name.includes(word)));
    return chosen.length === 0 ? [] : [{ ...question, subjects: Object.fromEntries(chosen) }];
  });
  const names = new Set(questions.flatMap(({ subjects }) => Object.keys(subjects)));
  if (narrowed.length === 0) throw new Error(`subjects are ${[...names].join(', ')}`);
  return narrowed;
}
