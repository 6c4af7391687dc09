import { errorOf, isError, namedMessageOf } from '../../foreign.js';
/** What is to run elsewhere. */
export interface Program {
  /** Module that is run. */
  readonly url: URL;
  /** For people: in lists of threads and in messages. */
  readonly name: string;
  /** What it is given: data that structured clone can copy. */
  readonly start: object;
}

/** How an execution ended. */
export interface Ending {
  /** By itself, and without an error. */
  readonly isClean: boolean;
  /** A clause: `it ended with exit code 3`. */
  readonly cause: string;
  /** Where it threw what ended it. */
  readonly stack?: string | undefined;
}

/** A program that runs elsewhere. */
export interface Execution {
  /** For people: `thread 3`, `process 4711`. */
  readonly place: string;
  /** Number of the worker thread; undefined for a process. */
  readonly threadId: number | undefined;
  /** Resolves when it has ended, for whatever reason. Never rejects. */
  readonly ended: Promise<Ending>;
  /** Asks it to end at once; one that hangs does not. */
  end(): void;
  /** Ends it, whatever it does. Idempotent; `ended` tells when it is done. */
  kill(): void;
}

/** What somebody threw, as text. */
export interface Thrown {
  readonly what: string;
  readonly stack?: string | undefined;
}

export function describeThrown(error: unknown): Thrown {
  return { what: namedMessageOf(error), stack: isError(error) ? errorOf(error).stack : undefined };
}
