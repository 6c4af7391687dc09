import { closeSync, openSync, writeSync } from 'node:fs';
import { versions } from 'node:process';
import { ConfigError } from '../errors.js';
import { Recorder } from './recorder.js';

export interface RecordingFileOptions {
  /** Names or paths of the actors to record; `*` stands for any characters. */
  readonly actors: readonly string[];
  readonly millraceVersion: string;
  /** The seed of a simulated run. */
  readonly seed?: number | undefined;
  /** The module in which `millrace replay` looks for the behaviors by default. */
  readonly module?: string | undefined;
}

/**
 * A Recorder that writes to a file. It writes each entry at once: the recording of a process that crashes is complete up to the crash.
 *
 *     const file = new RecordingFile('pricing.rec', { actors: ['pricing'], millraceVersion: '0.1.0' });
 *     const runtime = await Runtime.start({ tap: file.recorder });
 */
export class RecordingFile {
  readonly recorder: Recorder;
  readonly #path: string;
  #file: number | undefined;

  /** Throws ConfigError if the file cannot be written. */
  constructor(path: string, options: RecordingFileOptions) {
    const { actors, millraceVersion, seed, module } = options;
    this.#path = path;
    this.#file = this.#open();
    const header = { millraceVersion, nodeVersion: versions.node, seed: seed?.toString(), module };
    this.recorder = new Recorder({ actors, write: (bytes) => this.#write(bytes), header });
  }

  /** Stops recording. Idempotent. */
  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #open(): number {
    try {
      return openSync(this.#path, 'w');
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      throw new ConfigError(`Cannot write the recording to ${this.#path}: ${message}.`, { cause });
    }
  }

  #write(bytes: Uint8Array): void {
    if (this.#file !== undefined) writeSync(this.#file, bytes);
  }
}
