import type { SubjectHost } from './subject-host.js';
import type { Question, Row } from './question.js';
import type { Report } from './subject-process.js';
import { summary } from './summary.js';

/** The measurement of one subject of a question. It stops after a failure. */
export class SubjectMeasurement {
  readonly subject: string;
  failure: string | undefined;
  readonly #question: Question;
  readonly #process: SubjectHost;
  /** Set if the subject is not installed, or another library that fell silent: why there are no values. */
  #missing: string | undefined;
  /** The values of each run: the metric, and those of `also`. */
  #runs: (readonly number[])[] = [];

  constructor(question: Question, subject: string, process: SubjectHost) {
    this.#question = question;
    this.subject = subject;
    this.#process = process;
  }

  async prepare(size: string): Promise<void> {
    // With a fresh process for each run, `run` prepares the subject.
    if (this.#question.isFresh !== true) await this.#prepare(size);
  }

  async run(size: string): Promise<void> {
    if (this.#question.isFresh === true) await this.#prepare(size);
    if (this.#hasStopped) return;
    const report = await this.#process.send({ question: this.#question.slug, run: size });
    if ('values' in report) this.#runs.push(report.values);
    await this.#checkReport(report);
    if (this.#question.isFresh === true) await this.#process.end();
  }

  /** Takes the rows of the runs since the last call. */
  takeRows(size: string): Row[] {
    const { slug, metric, unit, also = [] } = this.#question;
    const { subject } = this;
    const runs = this.#runs.splice(0);
    if (this.#missing !== undefined) {
      const nothing = { median: null, min: null, max: null, runs: 0, note: this.#missing };
      return [{ question: slug, subject, size, metric, unit, ...nothing }];
    }
    if (this.#hasStopped) return [];
    return [{ metric, unit }, ...also].flatMap((measured, index) => {
      const values = runs.flatMap((run) => run[index] ?? []);
      if (values.length === 0) return [];
      return { question: slug, subject, size, metric: measured.metric, unit: measured.unit, ...summary(values) };
    });
  }

  get #hasStopped(): boolean {
    return this.failure !== undefined || this.#missing !== undefined;
  }

  async #prepare(size: string): Promise<void> {
    if (this.#hasStopped) return;
    const report = await this.#process.send({ question: this.#question.slug, prepare: size });
    await this.#checkReport(report);
  }

  async #checkReport(report: Report): Promise<void> {
    if ('missing' in report) this.#missing = report.missing;
    if (!('error' in report)) return;
    // Another library that falls silent has a row that says so. One of ours is a failure.
    if (report.isSilent === true && !this.subject.startsWith('millrace')) this.#missing = report.error;
    else this.failure = report.error;
    await this.#process.end();
  }
}
