// The process of one subject: `node subject-process.js SUITE SUBJECT EFFORT`. Its parent sends commands: to prepare for a size of a
// question, and then to run, once or several times.
import { argv } from 'node:process';
import { effortOf, suites } from '../suites.js';
import { shutdown } from './shutdown.js';
import { type Measure, Missing, type Subject } from './question.js';

/** A command of the parent. Both kinds name a question and one of its sizes. */
export type Command =
  | { readonly question: string; readonly prepare: string }
  | { readonly question: string; readonly run: string };

/** The answer to a command. */
export type Report =
  | { readonly ready: true }
  | { readonly values: readonly number[] }
  | { readonly missing: string }
  | { readonly error: string; readonly isSilent?: true };

const [suiteName = '', subjectName = '', effort = ''] = argv.slice(2);
const suite = suites[suiteName];
const measures = new Map<string, Measure>();

process.on('disconnect', shutdown);
process.on('message', (command: Command) => {
  execute(command).then(report, (error: unknown) => {
    if (error instanceof Missing) report({ missing: error.message });
    else report({ error: error instanceof Error ? String(error.stack) : String(error) });
  });
});

async function execute(command: Command): Promise<Report> {
  if ('prepare' in command) {
    const subject = await findSubject(command.question);
    const measure = await subject(effortOf(suite, effort === 'full' ? 'full' : 'quick'), command.prepare);
    measures.set(`${command.question} ${command.prepare}`, measure);
    return { ready: true };
  }
  const measure = measures.get(`${command.question} ${command.run}`);
  if (measure === undefined) throw new Error(`not prepared for ${command.question} ${command.run}`);
  const value = await measure();
  return { values: typeof value === 'number' ? [value] : value };
}

async function findSubject(slug: string): Promise<Subject> {
  const questions = await suite?.load();
  const subject = questions?.find((question) => question.slug === slug)?.subjects[subjectName];
  if (subject === undefined) throw new Error(`there is no ${suiteName} ${slug} ${subjectName}`);
  return subject;
}

/** Sends nothing if the parent has exited. */
function report(message: Report): void {
  if (process.connected) process.send?.(message);
}
