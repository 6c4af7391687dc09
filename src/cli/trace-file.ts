import type { ResourceError } from '../index.js';
import { OutputFile } from '../output-file.js';

const BUFFER_CHARACTERS = 64 * 1024;

/** Writes the trace of the pseudo-network to a file, one line for each event. */
export class TraceFile {
  readonly #file: OutputFile;
  #waiting = '';

  /** Throws ConfigError where the file cannot be written. `onFailure` is called once, when that is so later. */
  constructor(path: string, onFailure: (failure: ResourceError) => void) {
    this.#file = new OutputFile({ what: 'The trace', path, onFailure });
  }

  /** Why the trace is incomplete. */
  get failure(): ResourceError | undefined {
    return this.#file.failure;
  }

  readonly write = (line: string): void => {
    this.#waiting += `${line}\n`;
    if (this.#waiting.length >= BUFFER_CHARACTERS) this.#flush();
  };

  close(): void {
    this.#flush();
    this.#file.close();
  }

  #flush(): void {
    this.#file.write(Buffer.from(this.#waiting));
    this.#waiting = '';
  }
}
