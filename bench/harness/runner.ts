import { effortOf, type efforts, suites } from '../suites.js';
import { Contestant } from './contestant.js';
import { ProcessOfSubject } from './process-of-subject.js';
import type { Question, Row } from './question.js';

/** A subject failed: its row is missing, and the message says why. */
export interface Failure {
  readonly question: string;
  readonly subject: string;
  readonly message: string;
}

/**
 * Asks a question of all its subjects, each in a process of its own: first each gets ready, alone; then they run in turns
 * (A B C A B C), so that what else happens on the machine meets them all alike. A quick round has all of them at once.
 */
export class Runner {
  readonly #suite: string;
  readonly #effort: keyof typeof efforts;
  readonly #patienceMs: number;
  readonly #processes = new Map<string, ProcessOfSubject>();

  constructor(suite: string, effort: keyof typeof efforts, patienceMs: number) {
    this.#suite = suite;
    this.#effort = effort;
    this.#patienceMs = patienceMs;
  }

  async ask(question: Question): Promise<{ rows: Row[]; failures: Failure[] }> {
    const contestants = Object.keys(question.subjects).map(
      (subject) => new Contestant(question, subject, this.#processOf(subject)),
    );
    const rows: Row[] = [];
    try {
      for (const size of question.sizes) {
        if (this.#effort === 'quick')
          await Promise.all(contestants.map((contestant) => prepareAndRun(contestant, size)));
        else await takeTurns(contestants, size, question.runs ?? this.#runs);
        for (const contestant of contestants) rows.push(...contestant.takeRows(size));
      }
    } finally {
      if (suites[this.#suite]?.sharesProcesses !== true) await this.end();
    }
    const failures = contestants.flatMap(({ subject, failure }) =>
      failure === undefined ? [] : [{ question: question.slug, subject, message: failure }],
    );
    return { rows, failures };
  }

  /** Resolves when no process is left. */
  async end(): Promise<void> {
    await Promise.all(Array.from(this.#processes.values(), (process) => process.end()));
    this.#processes.clear();
  }

  get #runs(): number {
    return effortOf(suites[this.#suite], this.#effort).runs;
  }

  #processOf(subject: string): ProcessOfSubject {
    const args = [this.#suite, subject, this.#effort];
    const process = this.#processes.get(subject) ?? new ProcessOfSubject(args, this.#patienceMs);
    this.#processes.set(subject, process);
    return process;
  }
}

async function takeTurns(contestants: readonly Contestant[], size: string, runs: number): Promise<void> {
  for (const contestant of contestants) await contestant.prepare(size);
  for (let run = 0; run < runs; run++) {
    for (const contestant of contestants) await contestant.run(size);
  }
}

/** Beside all others: the value says nothing. */
async function prepareAndRun(contestant: Contestant, size: string): Promise<void> {
  await contestant.prepare(size);
  await contestant.run(size);
}
