import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Command, Report } from './subject-process.js';

/** Time for the child process to shut down. */
const SHUTDOWN_MS = 3_000;

const PROGRAM = fileURLToPath(new URL('subject-process.js', import.meta.url));

/**
 * Hosts one subject in a child process. The first command starts the process, also after `end`. A process that does not answer within
 * `patienceMs` has failed.
 */
export class SubjectHost {
  readonly #args: readonly string[];
  readonly #patienceMs: number;
  #process: ChildProcess | undefined;
  /** The end of its standard error. */
  #stderr = '';

  constructor(args: readonly string[], patienceMs: number) {
    this.#args = args;
    this.#patienceMs = patienceMs;
  }

  async send(command: Command): Promise<Report> {
    this.#process ??= this.#start();
    const answer = nextReport(this.#process, this.#patienceMs);
    this.#process.send(command);
    const report = await answer;
    return 'error' in report ? { ...report, error: [report.error, this.#stderr].join('\n').trim() } : report;
  }

  /** Resolves when the process and its children have exited, by themselves or killed. */
  async end(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child?.pid === undefined) return;
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      const timer = setTimeout(() => child.kill('SIGKILL'), SHUTDOWN_MS);
      if (child.connected) child.disconnect();
      await ended;
      clearTimeout(timer);
    }
    killGroup(child.pid);
  }

  /** Starts the process. Output of libraries is not a result; it is shown only after a failure. */
  #start(): ChildProcess {
    this.#stderr = '';
    const child = fork(PROGRAM, this.#args, {
      execArgv: ['--expose-gc'],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      // Leads a process group, so that its children can be killed too.
      detached: true,
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-2_000);
    });
    return child;
  }
}

/** The next report of the child. An exit or a timeout is an error report. */
function nextReport(child: ChildProcess, patienceMs: number): Promise<Report> {
  return new Promise((resolve) => {
    const settle = (report: Report): void => {
      clearTimeout(timer);
      child.off('message', said).off('exit', ended);
      resolve(report);
    };
    const said = (message: unknown): void => settle(isReport(message) ? message : { error: 'sent an invalid report' });
    const ended = (code: number | null, signal: string | null): void =>
      settle({ error: `ended with ${signal ?? `exit code ${code}`}` });
    const timer = setTimeout(() => settle({ error: `silent for ${patienceMs / 1_000} s`, isSilent: true }), patienceMs);
    child.once('message', said).once('exit', ended);
  });
}

function killGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // The group has already exited.
  }
}

function isReport(message: unknown): message is Report {
  return (
    typeof message === 'object' &&
    message !== null &&
    ('ready' in message || 'values' in message || 'missing' in message || 'error' in message)
  );
}
