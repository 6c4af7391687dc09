import { ResourceError } from '../../errors.js';
import { type Logger, silentLogger } from '../../logging/index.js';
import { assertShim, loadShim, type Shim, type ShimFiles } from './library.js';

/**
 * UCX for the transports of one thread: loaded when the first of them needs it, which takes some 20 ms. What was lacking then is lacking
 * for good, and is logged once.
 */
export class UcxLibrary {
  readonly #files: ShimFiles;
  readonly #log: Logger;
  #shim: Shim | undefined;
  #failure: ResourceError | undefined;

  constructor({ files = {}, log = silentLogger }: { readonly files?: ShimFiles; readonly log?: Logger } = {}) {
    this.#files = files;
    this.#log = log;
  }

  /** Looks for the shim without loading anything; false where UCX cannot be had for want of it. */
  isThere(): boolean {
    this.#attempt(() => assertShim(this.#files));
    return this.#failure === undefined;
  }

  /** Loads it now; false where it cannot be had. */
  isLoaded(): boolean {
    try {
      this.load();
      return true;
    } catch (error) {
      if (!(error instanceof ResourceError)) throw error;
      return false;
    }
  }

  /** ResourceError where UCX, the shim or koffi is missing: it names what, and the command that helps. */
  load(): Shim {
    if (this.#failure === undefined) this.#attempt(() => (this.#shim ??= loadShim(this.#files)));
    if (this.#shim === undefined) throw this.#failure ?? new ResourceError('UCX was not loaded.');
    return this.#shim;
  }

  #attempt(look: () => void): void {
    try {
      look();
    } catch (error) {
      if (!(error instanceof ResourceError)) throw error;
      if (this.#failure === undefined) this.#log.info(error.message);
      this.#failure = error;
    }
  }
}
