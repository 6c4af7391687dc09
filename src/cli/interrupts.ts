/** What ends a command before its work is done: a signal, or standard output that cannot be written any more. */
import { ExitCode } from './exit-codes.js';
import { say } from './output.js';

const SIGNALS = { SIGINT: ExitCode.interrupted, SIGTERM: ExitCode.terminated, SIGHUP: ExitCode.hungUp } as const;
type Signal = keyof typeof SIGNALS;

/** The kernel delivers no signal to the first process of a PID namespace (a container) that does not listen for it. */
const INIT_PID = 1;

export interface Interrupt {
  readonly exitCode: number;
  /** What is said about it; a reader that has gone away needs no message. */
  readonly message: string | undefined;
}

/**
 * One for each process. Until `begin` an interrupt ends the process at once. After it, the first interrupt asks for an orderly end, and
 * each later signal ends the process at once.
 */
export class Interrupts {
  #say = say;
  #first: Interrupt | undefined;
  #onSecond: (() => void) | undefined;
  #listeners: (() => void)[] | undefined;

  constructor() {
    process.stdout.on('error', (error: NodeJS.ErrnoException) => this.#outputFailed(error));
    // There is no other place for what should have been written there.
    process.stderr.on('error', () => {});
    if (process.pid === INIT_PID) this.#listen();
  }

  /** The first interrupt since `begin`. */
  get first(): Interrupt | undefined {
    return this.#first;
  }

  /**
   * From now on whoever calls `onFirst` ends in order. `write` gets the messages. With `onSecond` the second interrupt calls that, and the
   * third ends the process at once.
   */
  begin(write: (text: string) => void, onSecond?: () => void): void {
    this.#say = write;
    this.#onSecond = onSecond;
    this.#listeners = [];
    if (process.pid !== INIT_PID) this.#listen();
  }

  /** Signals end the process at once again. */
  end(): void {
    this.#say = say;
    this.#listeners = undefined;
    this.#onSecond = undefined;
    for (const signal of signals) process.off(signal, this.#onSignal);
    if (process.pid === INIT_PID) this.#listen();
  }

  /** Calls `listener` at the first interrupt, or now where it has been. */
  onFirst(listener: () => void): void {
    if (this.#first === undefined) this.#listeners?.push(listener);
    else listener();
  }

  /** Resolves at the first interrupt. */
  happened(): Promise<undefined> {
    return new Promise((resolve) => this.onFirst(() => resolve(undefined)));
  }

  #listen(): void {
    for (const signal of signals) process.on(signal, this.#onSignal);
  }

  readonly #onSignal = (signal: NodeJS.Signals): void => {
    if (!isSignal(signal)) return;
    const exitCode = SIGNALS[signal];
    if (this.#first !== undefined) {
      const onSecond = this.#onSecond;
      this.#onSecond = undefined;
      if (onSecond === undefined) process.exit(exitCode);
      this.#say(`${signal}: hurrying; another signal ends the process at once`);
      onSecond();
      return;
    }
    const message =
      this.#onSecond === undefined ? AT_SIGNAL[signal] : `${signal}: stopping in order; another one hurries`;
    this.#interrupt({ exitCode, message });
  };

  #outputFailed({ code, message }: NodeJS.ErrnoException): void {
    if (this.#first !== undefined) return;
    const isClosed = code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED';
    this.#interrupt(
      isClosed
        ? { exitCode: ExitCode.outputClosed, message: undefined }
        : { exitCode: ExitCode.failed, message: `Standard output cannot be written: ${message}.` },
    );
  }

  #interrupt(interrupt: Interrupt): void {
    const listeners = this.#listeners;
    if (listeners === undefined) {
      if (interrupt.exitCode === ExitCode.failed) this.#tell(interrupt);
      process.exit(interrupt.exitCode);
    }
    this.#first = interrupt;
    this.#tell(interrupt);
    for (const listener of listeners) listener();
  }

  #tell({ message }: Interrupt): void {
    if (message !== undefined) this.#say(message);
  }
}

const AT_SIGNAL: Readonly<Record<Signal, string>> = {
  SIGINT: 'stopping in order; Ctrl-C again ends the process at once',
  SIGTERM: 'SIGTERM: stopping in order; a second signal ends the process at once',
  SIGHUP: 'SIGHUP: stopping in order; a second signal ends the process at once',
};

const signals: readonly Signal[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

function isSignal(name: string): name is Signal {
  return Object.hasOwn(SIGNALS, name);
}
