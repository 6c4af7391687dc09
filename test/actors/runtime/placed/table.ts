import { component } from '#src/actors/runtime/index.js';
import { cluster } from './cluster.js';
import { failing } from './failing.js';
import { life } from './life.js';
import { messages } from './messages.js';
import { streams } from './streams.js';
import { type Case, type Report, Subject } from './subject.js';

/** What every actor does, wherever it is. */
export const CASES: ReadonlyMap<string, Case> = new Map(
  [...messages, ...streams, ...life, ...failing, ...cluster].map((each) => [each.title, each]),
);

export interface SubjectArgs {
  /** Title of the case. */
  readonly title: string;
  /** Channel id and incarnation of the actor that gets the reports. */
  readonly reporter: readonly [string, string];
}

/** The actor of a case, where it is placed. */
export const placedSubject = component('subject', import.meta.url, Subject, ({ title, reporter }: SubjectArgs) => {
  const found = CASES.get(title);
  if (found === undefined) throw new Error(`there is no case "${title}"`);
  const [cUid, incarnation] = [BigInt(reporter[0]), BigInt(reporter[1])];
  const report: Report = (context, text) =>
    void context.ref(Subject, { cUid, incarnation, service: Subject.typeName }).tell({ text: String(text) });
  return found.make(report);
});
