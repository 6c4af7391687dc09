import { closeSync, openSync, writeSync } from 'node:fs';
import { messageOf } from '../foreign.js';
import { ConfigError } from '../index.js';

const BUFFER_CHARACTERS = 64 * 1024;

/** Writes the trace of the pseudo-network to a file, one line for each event. Synchronous, so that it adds no event of its own. */
export class TraceFile {
  readonly #file: number;
  #waiting = '';

  /** Throws ConfigError where the file cannot be written. */
  constructor(path: string) {
    try {
      this.#file = openSync(path, 'w');
    } catch (cause) {
      throw new ConfigError(`The trace cannot be written to ${path}: ${messageOf(cause)}.`, { cause });
    }
  }

  readonly write = (line: string): void => {
    this.#waiting += `${line}\n`;
    if (this.#waiting.length >= BUFFER_CHARACTERS) this.#flush();
  };

  close(): void {
    this.#flush();
    closeSync(this.#file);
  }

  #flush(): void {
    writeSync(this.#file, this.#waiting);
    this.#waiting = '';
  }
}
