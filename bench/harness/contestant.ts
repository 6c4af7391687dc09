import type { ProcessOfSubject } from './process-of-subject.js';
import type { Question, Row } from './question.js';
import type { Report } from './subject-process.js';
import { summary } from './summary.js';

/** One subject of a question. After a failure it takes no further part in it. */
export class Contestant {
  readonly subject: string;
  failure: string | undefined;
  readonly #question: Question;
  readonly #process: ProcessOfSubject;
  /** What it is about is not installed. */
  #missing: string | undefined;
  /** Of each run: the metric, and what is measured also. */
  #runs: (readonly number[])[] = [];

  constructor(question: Question, subject: string, process: ProcessOfSubject) {
    this.#question = question;
    this.subject = subject;
    this.#process = process;
  }

  async prepare(size: string): Promise<void> {
    // A fresh process for each run has nothing to get ready before it.
    if (this.#question.isFresh !== true) await this.#prepare(size);
  }

  async run(size: string): Promise<void> {
    if (this.#question.isFresh === true) await this.#prepare(size);
    if (this.#isOut) return;
    const report = await this.#process.order({ question: this.#question.slug, run: size });
    if ('values' in report) this.#runs.push(report.values);
    await this.#failedAs(report);
    if (this.#question.isFresh === true) await this.#process.end();
  }

  /** The rows of what has run since they were taken last. */
  takeRows(size: string): Row[] {
    const { slug, metric, unit, also = [] } = this.#question;
    const { subject } = this;
    const runs = this.#runs.splice(0);
    if (this.#missing !== undefined) {
      const nothing = { median: null, min: null, max: null, runs: 0, note: this.#missing };
      return [{ question: slug, subject, size, metric, unit, ...nothing }];
    }
    if (this.#isOut) return [];
    return [{ metric, unit }, ...also].flatMap((measured, index) => {
      const values = runs.flatMap((run) => run[index] ?? []);
      if (values.length === 0) return [];
      return { question: slug, subject, size, metric: measured.metric, unit: measured.unit, ...summary(values) };
    });
  }

  get #isOut(): boolean {
    return this.failure !== undefined || this.#missing !== undefined;
  }

  async #prepare(size: string): Promise<void> {
    if (this.#isOut) return;
    const report = await this.#process.order({ question: this.#question.slug, prepare: size });
    await this.#failedAs(report);
  }

  async #failedAs(report: Report): Promise<void> {
    if ('missing' in report) this.#missing = report.missing;
    if (!('error' in report)) return;
    this.failure = report.error;
    await this.#process.end();
  }
}
