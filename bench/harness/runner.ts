import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { efforts } from '../suites.js';
import type { Question, Row } from './question.js';
import type { Order, Report } from './subject-process.js';
import { summary } from './summary.js';

/** A run takes a second or two; what is silent for longer hangs. */
const SILENT_MS = 60_000;

const PROGRAM = fileURLToPath(new URL('subject-process.js', import.meta.url));

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
export async function askAll(
  suite: string,
  question: Question,
  effort: keyof typeof efforts,
): Promise<{ rows: Row[]; failures: Failure[] }> {
  const { slug, metric, unit } = question;
  const contestants = Object.keys(question.subjects).map(
    (subject) => new Contestant([suite, slug, subject, effort], subject, question.isFresh === true),
  );
  const rows: Row[] = [];
  try {
    for (const size of question.sizes) {
      if (effort === 'quick') await Promise.all(contestants.map((contestant) => contestant.prepareAndRun(size)));
      else await takeTurns(contestants, size, question.runs ?? efforts.full.runs);
      for (const { subject, failure, values } of contestants) {
        if (failure === undefined) {
          rows.push({ question: slug, subject, size, metric, unit, ...summary(values.splice(0)) });
        }
      }
    }
  } finally {
    for (const contestant of contestants) contestant.end();
  }
  const failures = contestants.flatMap(({ subject, failure }) =>
    failure === undefined ? [] : [{ question: slug, subject, message: failure }],
  );
  return { rows, failures };
}

async function takeTurns(contestants: readonly Contestant[], size: string, runs: number): Promise<void> {
  for (const contestant of contestants) await contestant.prepare(size);
  for (let run = 0; run < runs; run++) {
    for (const contestant of contestants) await contestant.run(size);
  }
}

/** One subject and its process. After a failure it takes no further part. */
class Contestant {
  readonly subject: string;
  readonly values: number[] = [];
  failure: string | undefined;
  readonly #args: readonly string[];
  readonly #isFresh: boolean;
  #process: ChildProcess | undefined;
  /** What it wrote to standard error. */
  #said = '';

  constructor(args: readonly string[], subject: string, isFresh: boolean) {
    this.#args = args;
    this.subject = subject;
    this.#isFresh = isFresh;
  }

  async prepare(size: string): Promise<void> {
    // A fresh process for each run has nothing to get ready before it.
    if (!this.#isFresh) await this.#order({ prepare: size });
  }

  /** Beside all others: the value says nothing. */
  async prepareAndRun(size: string): Promise<void> {
    await this.prepare(size);
    await this.run(size);
  }

  async run(size: string): Promise<void> {
    if (this.#isFresh) await this.#order({ prepare: size });
    const report = await this.#order({ run: size });
    if (report !== undefined && 'value' in report) this.values.push(report.value);
    if (this.#isFresh) this.end();
  }

  end(): void {
    this.#process?.kill();
    this.#process = undefined;
  }

  async #order(order: Order): Promise<Report | undefined> {
    if (this.failure !== undefined) return undefined;
    this.#process ??= this.#start();
    const answer = nextReport(this.#process);
    this.#process.send(order);
    const report = await answer;
    if ('error' in report) {
      this.failure = [report.error, this.#said].join('\n').trim();
      this.end();
    }
    return report;
  }

  /** What libraries print is none of our results; it is shown when something fails. */
  #start(): ChildProcess {
    const child = fork(PROGRAM, this.#args, { execArgv: ['--expose-gc'], stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#said = (this.#said + text).slice(-2_000);
    });
    return child;
  }
}

/** What the child says next; that it ended or is silent for too long is a failure, too. */
function nextReport(child: ChildProcess): Promise<Report> {
  return new Promise((resolve) => {
    const settle = (report: Report): void => {
      clearTimeout(timer);
      child.removeAllListeners('message').removeAllListeners('exit');
      resolve(report);
    };
    const timer = setTimeout(() => settle({ error: `silent for ${SILENT_MS / 1_000} s` }), SILENT_MS);
    child.once('message', (message) => settle(isReport(message) ? message : { error: 'said what is no report' }));
    child.once('exit', (code, signal) => settle({ error: `ended with ${signal ?? `exit code ${code}`}` }));
  });
}

function isReport(message: unknown): message is Report {
  return (
    typeof message === 'object' && message !== null && ('ready' in message || 'value' in message || 'error' in message)
  );
}
