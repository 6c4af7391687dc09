import { versions } from 'node:process';
import { ConfigError, type ResourceError } from '../errors.js';
import { OutputFile } from '../output-file.js';
import { Recorder } from './recorder.js';

export interface RecordingFileOptions {
  /** Names or paths of the actors to record; `*` stands for any characters. */
  readonly actors: readonly string[];
  readonly millraceVersion: string;
  /** The seed of a simulated run. */
  readonly seed?: number | undefined;
  /** The module in which `millrace replay` looks for the behaviors by default. */
  readonly module?: string | undefined;
  /** Is called once, when the file cannot be written any more: the disk is full. The program goes on, and the recording ends there. */
  readonly onFailure?: ((failure: ResourceError) => void) | undefined;
}

/**
 * A Recorder that writes to a file. It writes each entry at once: the recording of a process that crashes is complete up to the crash.
 *
 *     const file = new RecordingFile('pricing.rec', { actors: ['pricing'], millraceVersion: '0.1.0' });
 *     const runtime = await Runtime.start({ interceptor: file.recorder });
 */
export class RecordingFile {
  readonly recorder: Recorder;
  readonly #file: OutputFile;
  #hasHeader = false;

  /** Writes the header. Throws ConfigError if the file cannot be written: a failure later does not stop the program. */
  constructor(path: string, options: RecordingFileOptions) {
    const { actors, millraceVersion, seed, module } = options;
    const header = { millraceVersion, nodeVersion: versions.node, seed: seed?.toString(), module };
    this.#file = new OutputFile({
      what: 'The recording',
      path,
      onFailure: (failure) => {
        if (this.#hasHeader) options.onFailure?.(failure);
      },
    });
    this.recorder = new Recorder({ actors, write: (bytes) => this.#file.write(bytes), header });
    const { failure } = this.#file;
    if (failure !== undefined) throw new ConfigError(failure.message, { cause: failure });
    this.#hasHeader = true;
  }

  /** Why the recording is incomplete: the error names the file. Undefined while everything was written. Check it after `close`. */
  get failure(): ResourceError | undefined {
    return this.#file.failure;
  }

  /** Stops recording. Idempotent. Never throws. */
  close(): void {
    this.#file.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
