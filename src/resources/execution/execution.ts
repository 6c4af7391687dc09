import { errorOf, isError, namedMessageOf } from '../../foreign.js';

/** A program to run in a thread or a process. */
export interface Program {
  /** Its main module. */
  readonly url: URL;
  /** Shown in lists of threads and in messages. */
  readonly name: string;
  /** Its start data: anything that structured clone can copy. */
  readonly start: object;
  /** The command that runs a command elsewhere: by ssh, for example. Default: the program runs on this machine. */
  readonly through?: (command: readonly string[]) => readonly string[];
  /** Takes what a process writes. Default: it is copied to the output of this process. */
  readonly output?: (chunk: Buffer, isError: boolean) => void;
}

/** How an execution ended. */
export interface Ending {
  /** It ended by itself, without an error. */
  readonly isClean: boolean;
  /** A clause: `it ended with exit code 3`. */
  readonly cause: string;
  /** Stack of the error that ended it. */
  readonly stack?: string | undefined;
}

/** A program that runs in a thread or a process. */
export interface Execution {
  /** For messages: `thread 3`, `process 4711`. */
  readonly place: string;
  /** Number of the worker thread; undefined for a process. */
  readonly threadId: number | undefined;
  /** Resolves when it has ended, for whatever reason. Never rejects. */
  readonly ended: Promise<Ending>;
  /** Asks it to end at once. A blocked event loop ends when it next yields. */
  end(): void;
  /** Terminates it, even if it is blocked. Idempotent; `ended` resolves when it has ended. */
  kill(): void;
}

/** A thrown value as text. */
export interface Thrown {
  readonly what: string;
  readonly stack?: string | undefined;
}

export function describeThrown(error: unknown): Thrown {
  return { what: namedMessageOf(error), stack: isError(error) ? errorOf(error).stack : undefined };
}
