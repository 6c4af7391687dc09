// The process of one subject: `node subject-process.js SUITE QUESTION SUBJECT EFFORT`. Its parent orders it to get ready for a
// size, and then to run, once or often.
import { argv } from 'node:process';
import { efforts, suites } from '../suites.js';
import type { Measure, Subject } from './question.js';

/** What the parent wants; both name a size. */
export type Order = { readonly prepare: string } | { readonly run: string };

/** The answer to an order. */
export type Report = { readonly ready: true } | { readonly value: number } | { readonly error: string };

const [suite = '', slug = '', subjectName = '', effort = ''] = argv.slice(2);
const measures = new Map<string, Measure>();

process.on('disconnect', () => process.exit());
process.on('message', (order: Order) => {
  obey(order).then(report, (error: unknown) =>
    report({ error: error instanceof Error ? String(error.stack) : String(error) }),
  );
});

async function obey(order: Order): Promise<Report> {
  if ('prepare' in order) {
    const subject = await findSubject();
    measures.set(order.prepare, await subject(effort === 'full' ? efforts.full : efforts.quick, order.prepare));
    return { ready: true };
  }
  const measure = measures.get(order.run);
  if (measure === undefined) throw new Error(`not ready for ${order.run}`);
  return { value: await measure() };
}

async function findSubject(): Promise<Subject> {
  const questions = await suites[suite]?.load();
  const subject = questions?.find((question) => question.slug === slug)?.subjects[subjectName];
  if (subject === undefined) throw new Error(`there is no ${suite} ${slug} ${subjectName}`);
  return subject;
}

/** A parent that is gone needs no report. */
function report(message: Report): void {
  if (process.connected) process.send?.(message);
}
