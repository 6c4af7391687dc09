import { effortOf, type efforts, suites } from '../suites.js';
import { SubjectMeasurement } from './subject-measurement.js';
import { SubjectHost } from './subject-host.js';
import type { Question, Row } from './question.js';

/** The failure of a subject. Its row is missing. */
export interface Failure {
  readonly question: string;
  readonly subject: string;
  readonly message: string;
}

/**
 * Measures all subjects of a question, each in its own process. First it prepares them one after the other. Then they run in turns
 * (A B C A B C), so that other load on the machine affects all of them alike. A quick measurement runs all of them at once, and keeps the
 * processes for all questions.
 */
export class Runner {
  readonly #suite: string;
  readonly #effort: keyof typeof efforts;
  readonly #patienceMs: number;
  readonly #processes = new Map<string, SubjectHost>();

  constructor(suite: string, effort: keyof typeof efforts, patienceMs: number) {
    this.#suite = suite;
    this.#effort = effort;
    this.#patienceMs = patienceMs;
  }

  async ask(question: Question): Promise<{ rows: Row[]; failures: Failure[] }> {
    const measurements = Object.keys(question.subjects).map(
      (subject) => new SubjectMeasurement(question, subject, this.#hostOf(subject)),
    );
    const rows: Row[] = [];
    try {
      for (const size of question.sizes) {
        if (this.#effort === 'quick')
          await Promise.all(measurements.map((measurement) => prepareAndRun(measurement, size)));
        else await takeTurns(measurements, size, question.runs ?? this.#runs);
        for (const measurement of measurements) rows.push(...measurement.takeRows(size));
      }
    } finally {
      if (this.#effort !== 'quick' && suites[this.#suite]?.sharesProcesses !== true) await this.end();
    }
    const failures = measurements.flatMap(({ subject, failure }) =>
      failure === undefined ? [] : [{ question: question.slug, subject, message: failure }],
    );
    return { rows, failures };
  }

  /** Ends all processes. Resolves when they have exited. */
  async end(): Promise<void> {
    await Promise.all(Array.from(this.#processes.values(), (process) => process.end()));
    this.#processes.clear();
  }

  get #runs(): number {
    return effortOf(suites[this.#suite], this.#effort).runs;
  }

  #hostOf(subject: string): SubjectHost {
    const args = [this.#suite, subject, this.#effort];
    const process = this.#processes.get(subject) ?? new SubjectHost(args, this.#patienceMs);
    this.#processes.set(subject, process);
    return process;
  }
}

async function takeTurns(measurements: readonly SubjectMeasurement[], size: string, runs: number): Promise<void> {
  for (const measurement of measurements) await measurement.prepare(size);
  for (let run = 0; run < runs; run++) {
    for (const measurement of measurements) await measurement.run(size);
  }
}

/** Runs beside all others: the value is meaningless. */
async function prepareAndRun(measurement: SubjectMeasurement, size: string): Promise<void> {
  await measurement.prepare(size);
  await measurement.run(size);
}
