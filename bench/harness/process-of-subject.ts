import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Order, Report } from './subject-process.js';

/** Time to tidy up. */
const ENDING_MS = 3_000;

const PROGRAM = fileURLToPath(new URL('subject-process.js', import.meta.url));

/**
 * A process that gets one subject ready and runs it; started by the first order, and by the first after it was ended. What is silent for
 * longer than `patienceMs` hangs.
 */
export class ProcessOfSubject {
  readonly #args: readonly string[];
  readonly #patienceMs: number;
  #process: ChildProcess | undefined;
  /** What it wrote to standard error. */
  #said = '';

  constructor(args: readonly string[], patienceMs: number) {
    this.#args = args;
    this.#patienceMs = patienceMs;
  }

  async order(order: Order): Promise<Report> {
    this.#process ??= this.#start();
    const answer = nextReport(this.#process, this.#patienceMs);
    this.#process.send(order);
    const report = await answer;
    return 'error' in report ? { error: [report.error, this.#said].join('\n').trim() } : report;
  }

  /** Resolves when it has ended, by itself or killed, and what it has started with it. */
  async end(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child?.pid === undefined) return;
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      const timer = setTimeout(() => child.kill('SIGKILL'), ENDING_MS);
      if (child.connected) child.disconnect();
      await ended;
      clearTimeout(timer);
    }
    killGroup(child.pid);
  }

  /** What libraries print is none of our results; it is shown when something fails. */
  #start(): ChildProcess {
    this.#said = '';
    const child = fork(PROGRAM, this.#args, {
      execArgv: ['--expose-gc'],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      // At the head of a group, which can be killed.
      detached: true,
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#said = (this.#said + text).slice(-2_000);
    });
    return child;
  }
}

/** What the child says next; that it ended or is silent for too long is a failure, too. */
function nextReport(child: ChildProcess, patienceMs: number): Promise<Report> {
  return new Promise((resolve) => {
    const settle = (report: Report): void => {
      clearTimeout(timer);
      child.off('message', said).off('exit', ended);
      resolve(report);
    };
    const said = (message: unknown): void => settle(isReport(message) ? message : { error: 'said what is no report' });
    const ended = (code: number | null, signal: string | null): void =>
      settle({ error: `ended with ${signal ?? `exit code ${code}`}` });
    const timer = setTimeout(() => settle({ error: `silent for ${patienceMs / 1_000} s` }), patienceMs);
    child.once('message', said).once('exit', ended);
  });
}

function killGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // Nothing is left of it.
  }
}

function isReport(message: unknown): message is Report {
  return (
    typeof message === 'object' &&
    message !== null &&
    ('ready' in message || 'values' in message || 'missing' in message || 'error' in message)
  );
}
