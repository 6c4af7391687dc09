/**
 * Writes a file beside the work of a program: a recording, a trace. What writes such a file runs within handlers and within the network,
 * which must not fail because a disk is full. So an OutputFile never throws once it is open: it keeps its first failure, and drops the rest.
 */
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { ConfigError, ResourceError } from './errors.js';
import { codeOf, messageOf } from './foreign.js';
import { holdFile } from './held-file.js';
import { atExit } from './at-exit.js';

export interface OutputFileOptions {
  /** What the file is, as the first words of an error: `The recording`. */
  readonly what: string;
  readonly path: string;
  /** Whether another one holds it for this one: that of which this is a part. */
  readonly isHeld?: boolean;
  /** Is called with `failure`, once. */
  readonly onFailure?: ((failure: ResourceError) => void) | undefined;
}

/**
 * A file that is written synchronously, so that it is complete up to a crash and adds no event to a simulation.
 *
 *     const file = new OutputFile({ what: 'The trace', path: 'trace.txt' });
 *     file.write(bytes);
 *     file.close();
 *     if (file.failure !== undefined) throw file.failure;
 */
export class OutputFile {
  readonly #options: OutputFileOptions;
  #file: number | undefined;
  #failure: ResourceError | undefined;
  /** Lets another process write the file. */
  #giveBack: (() => void) | undefined;

  /** Creates the file, or empties it. Throws ConfigError where it cannot be opened, and where another process writes it. */
  constructor(options: OutputFileOptions) {
    this.#options = options;
    const { what, path, isHeld = false } = options;
    const giveBack = isHeld ? undefined : holdFile(what, path);
    const forget = giveBack && atExit(giveBack);
    this.#giveBack = () => {
      forget?.();
      giveBack?.();
    };
    try {
      this.#file = openSync(path, 'w');
    } catch (cause) {
      this.#giveBack();
      const reason = path === '' ? 'the name of the file is empty' : messageOf(cause);
      throw new ConfigError(`${what} cannot be written to ${path === '' ? '""' : path}: ${reason}.`, { cause });
    }
  }

  /** Why the file is incomplete: the error names it. Undefined while everything was written. */
  get failure(): ResourceError | undefined {
    return this.#failure;
  }

  /** Appends bytes. Never throws; writes nothing after a failure or `close`. */
  write(bytes: Uint8Array): void {
    if (this.#file === undefined) return;
    try {
      writeAll(this.#file, bytes);
    } catch (cause) {
      this.#release();
      this.#fail(cause);
    }
  }

  /** Returns when what was written is on the disk: some file systems report a full one only here, or at `close`. Never throws. */
  flush(): void {
    if (this.#file === undefined) return;
    try {
      fsyncSync(this.#file);
    } catch (cause) {
      if (NO_DISK.has(codeOf(cause) ?? '')) return;
      this.#release();
      this.#fail(cause);
    }
  }

  /** Idempotent. Never throws: some file systems report a full disk only here, which then is the `failure`. */
  close(): void {
    const cause = this.#release();
    if (cause !== undefined) this.#fail(cause);
  }

  /** Returns what closing failed with. */
  #release(): unknown {
    const file = this.#file;
    this.#file = undefined;
    if (file === undefined) return undefined;
    this.#giveBack?.();
    try {
      closeSync(file);
      return undefined;
    } catch (cause) {
      return cause;
    }
  }

  #fail(cause: unknown): void {
    const { what, path, onFailure } = this.#options;
    this.#failure = new ResourceError(
      `${what} ${path} is incomplete: ${messageOf(cause)}. Make room on the disk, or name a file elsewhere.`,
      { cause },
    );
    onFailure?.(this.#failure);
  }
}

/** What is no file on a disk, such as a pipe, has nothing to flush. */
const NO_DISK: ReadonlySet<string> = new Set(['EINVAL', 'ENOTSUP', 'EROFS']);

/** The kernel may take a part: all that still fits on a disk. */
function writeAll(file: number, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written);
}
