import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Order, Report } from './subject-process.js';

/** A run takes a second or two; what is silent for longer hangs. */
const SILENT_MS = 60_000;
/** Time to tidy up. */
const ENDING_MS = 3_000;

const PROGRAM = fileURLToPath(new URL('subject-process.js', import.meta.url));

/** A process that gets one subject ready and runs it; started by the first order, and by the first after it was ended. */
export class ProcessOfSubject {
  readonly #args: readonly string[];
  #process: ChildProcess | undefined;
  /** What it wrote to standard error. */
  #said = '';

  constructor(...args: readonly string[]) {
    this.#args = args;
  }

  async order(order: Order): Promise<Report> {
    this.#process ??= this.#start();
    const answer = nextReport(this.#process);
    this.#process.send(order);
    const report = await answer;
    return 'error' in report ? { error: [report.error, this.#said].join('\n').trim() } : report;
  }

  /** Resolves when it has ended: by itself, or killed. */
  async end(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    const timer = setTimeout(() => child.kill('SIGKILL'), ENDING_MS);
    if (child.connected) child.disconnect();
    await ended;
    clearTimeout(timer);
  }

  /** What libraries print is none of our results; it is shown when something fails. */
  #start(): ChildProcess {
    this.#said = '';
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
      child.off('message', said).off('exit', ended);
      resolve(report);
    };
    const said = (message: unknown): void => settle(isReport(message) ? message : { error: 'said what is no report' });
    const ended = (code: number | null, signal: string | null): void =>
      settle({ error: `ended with ${signal ?? `exit code ${code}`}` });
    const timer = setTimeout(() => settle({ error: `silent for ${SILENT_MS / 1_000} s` }), SILENT_MS);
    child.once('message', said).once('exit', ended);
  });
}

function isReport(message: unknown): message is Report {
  return (
    typeof message === 'object' &&
    message !== null &&
    ('ready' in message || 'values' in message || 'missing' in message || 'error' in message)
  );
}
