// The process of one subject: `node subject-process.js SUITE SUBJECT EFFORT`. Its parent orders it to get ready for a size of a
// question, and then to run, once or often.
import { argv } from 'node:process';
import { effortOf, suites } from '../suites.js';
import { endAll } from './endings.js';
import { type Measure, Missing, type Subject } from './question.js';

/** What the parent wants; both name a question and one of its sizes. */
export type Order =
  | { readonly question: string; readonly prepare: string }
  | { readonly question: string; readonly run: string };

/** The answer to an order. */
export type Report =
  | { readonly ready: true }
  | { readonly values: readonly number[] }
  | { readonly missing: string }
  | { readonly error: string };

const [suiteName = '', subjectName = '', effort = ''] = argv.slice(2);
const suite = suites[suiteName];
const measures = new Map<string, Measure>();

process.on('disconnect', endAll);
process.on('message', (order: Order) => {
  obey(order).then(report, (error: unknown) => {
    if (error instanceof Missing) report({ missing: error.message });
    else report({ error: error instanceof Error ? String(error.stack) : String(error) });
  });
});

async function obey(order: Order): Promise<Report> {
  if ('prepare' in order) {
    const subject = await findSubject(order.question);
    const measure = await subject(effortOf(suite, effort === 'full' ? 'full' : 'quick'), order.prepare);
    measures.set(`${order.question} ${order.prepare}`, measure);
    return { ready: true };
  }
  const measure = measures.get(`${order.question} ${order.run}`);
  if (measure === undefined) throw new Error(`not ready for ${order.question} ${order.run}`);
  const value = await measure();
  return { values: typeof value === 'number' ? [value] : value };
}

async function findSubject(slug: string): Promise<Subject> {
  const questions = await suite?.load();
  const subject = questions?.find((question) => question.slug === slug)?.subjects[subjectName];
  if (subject === undefined) throw new Error(`there is no ${suiteName} ${slug} ${subjectName}`);
  return subject;
}

/** A parent that is gone needs no report. */
function report(message: Report): void {
  if (process.connected) process.send?.(message);
}
