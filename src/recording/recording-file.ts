import { lstatSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { versions } from 'node:process';
import type { OpenInterceptor } from '../actors/runtime/index.js';
import { ConfigError, ProtocolError, ResourceError } from '../errors.js';
import { isRecord, messageOf } from '../foreign.js';
import { compiledModule } from '../installation.js';
import { OutputFile } from '../output-file.js';
import { Recorder, type RecorderOptions } from './recorder.js';
import { partOf, readRecordingFile } from './recording-parts.js';

export interface RecordingFileOptions {
  /** Names or paths of the actors to record; `*` stands for any characters. */
  readonly actors: readonly string[];
  readonly millraceVersion: string;
  /** The seed of a simulated run. */
  readonly seed?: number | undefined;
  /** The module in which `millrace replay` looks for the behaviors by default. */
  readonly module?: string | undefined;
  /** That of the part of a recording, if it is one. */
  readonly token?: string | undefined;
  /** Is called once, when the file cannot be written any more: the disk is full. The program goes on, and the recording ends there. */
  readonly onFailure?: ((failure: ResourceError) => void) | undefined;
}

/**
 * A Recorder that writes to a file. It writes each entry at once: the recording of a process that crashes is complete up to the crash. Each
 * partition on a thread or in a process has a file of its own beside it, for the same reason.
 *
 *     const file = new RecordingFile('pricing.rec', { actors: ['pricing'], millraceVersion: '0.1.0' });
 *     const runtime = await Runtime.start({ interceptor: file.recorder });
 */
export class RecordingFile {
  readonly recorder: Recorder;
  readonly #file: OutputFile;
  readonly #onFailure: RecordingFileOptions['onFailure'];
  readonly #path: string;
  /** It has files of partitions elsewhere beside it. */
  #hasParts = false;
  #hasHeader = false;
  #isClosed = false;
  #failure: ResourceError | undefined;

  /** Writes the header. Throws ConfigError if the file cannot be written, or another process writes it: a failure later does not stop the program. */
  constructor(path: string, options: RecordingFileOptions) {
    const { actors, millraceVersion, seed, module, token } = options;
    const header = { millraceVersion, nodeVersion: versions.node, seed: seed?.toString(), module, token };
    this.#onFailure = options.onFailure;
    this.#path = path;
    this.#file = new OutputFile({
      what: 'The recording',
      path,
      // That of a part is written by the process that holds the whole one, or for it.
      isHeld: token !== undefined,
      onFailure: (failure) => this.#failed(failure),
    });
    const elsewhere = this.#elsewhere(path, { actors, millraceVersion, module });
    this.recorder = new Recorder({
      actors,
      write: (bytes) => this.#file.write(bytes),
      header,
      ...(elsewhere && { elsewhere }),
    });
    const { failure } = this.#file;
    if (failure !== undefined) throw new ConfigError(failure.message, { cause: failure });
    this.#hasHeader = true;
  }

  /** Why the recording, or that of a partition elsewhere, is incomplete: the error names the file. Undefined while everything was written. Check it after `close`. */
  get failure(): ResourceError | undefined {
    return this.#failure;
  }

  /**
   * Nothing was recorded, here or in a partition elsewhere: no actor and no segment has one of the names, or none of those has done anything. Look at it
   * after `close`.
   */
  get isEmpty(): boolean {
    if (this.recorder.recorded > 0) return false;
    if (!this.#hasParts) return true;
    try {
      return readRecordingFile(this.#path).events.length === 0;
    } catch {
      // Then there is a failure.
      return false;
    }
  }

  /** Returns when what was recorded until now is on the disk: a `failure` that only the disk knows of is known then. Never throws. */
  flush(): void {
    this.#file.flush();
  }

  /**
   * Stops recording on this event loop. Partitions on threads and in processes that have started are recorded until they end, and no others: close
   * it after the runtime has stopped. Idempotent. Never throws.
   */
  close(): void {
    this.#isClosed = true;
    this.#file.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #failed(failure: ResourceError): void {
    if (this.#failure !== undefined) return;
    this.#failure = failure;
    if (this.#hasHeader) this.#onFailure?.(failure);
  }

  /** Undefined in a bundle without the package, which has no program for partitions elsewhere either. */
  #elsewhere(path: string, options: RecordingFileOptions): RecorderOptions['elsewhere'] {
    const module = compiledModule(MODULE);
    if (module === undefined) return undefined;
    return {
      url: pathToFileURL(module).href,
      settings: ({ number, token }) => {
        if (this.#isClosed) return undefined;
        const part = partOf(resolve(path), number);
        this.#hasParts = true;
        removeEarlier(part);
        return JSON.stringify({ ...options, token, path: part });
      },
      failed: (message) => this.#failed(new ResourceError(message)),
    };
  }
}

/**
 * Removes the file of a partition of an earlier run, which nobody would overwrite where this one does not come up. Where that fails, its token
 * still tells that it is another one.
 */
function removeEarlier(path: string): void {
  try {
    if (lstatSync(path, { throwIfNoEntry: false })?.isFile() === true) rmSync(path);
  } catch {
    // Whoever opens it next says why it cannot.
  }
}

/** From dist/ or dist/cjs/: the entry point `millrace/recording`. */
const MODULE = 'recording/index.js';

/** What a partition on a thread or in a process calls, to be recorded in a file of its own. */
export const interceptor: OpenInterceptor = (settings, failed) => {
  try {
    const { path, ...options } = settingsIn(settings);
    const file = new RecordingFile(path, { ...options, onFailure: ({ message }) => failed(message) });
    return { interceptor: file.recorder, flush: () => file.flush(), close: () => file.close() };
  } catch (error) {
    failed(messageOf(error));
    return undefined;
  }
};

function settingsIn(text: string): RecordingFileOptions & { readonly path: string } {
  const settings: unknown = JSON.parse(text);
  if (isRecord(settings)) {
    const { path, actors, millraceVersion, module, token } = settings;
    if (
      typeof path === 'string' &&
      typeof millraceVersion === 'string' &&
      typeof token === 'string' &&
      isTexts(actors)
    ) {
      return { path, actors, millraceVersion, token, module: typeof module === 'string' ? module : undefined };
    }
  }
  throw new ProtocolError(
    'A partition was started with invalid settings of its recording. The installed versions of millrace may differ.',
  );
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}
