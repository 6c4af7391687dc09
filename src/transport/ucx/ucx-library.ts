import { ResourceError } from '../../errors.js';
import { type Logger, silentLogger } from '../../logging/index.js';
import type { ShimFiles } from './kind.js';
import { assertShim, loadShim, type Shim } from './library.js';

/**
 * The UCX library, for all transports of one thread. The first transport that needs it loads it, which takes about 20 ms. A failure is
 * final, and is logged once.
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

  /** True if the file of the shim exists. Loads nothing. */
  isInstalled(): boolean {
    this.#attempt(() => assertShim(this.#files));
    return this.#failure === undefined;
  }

  /** Loads it now. Returns false if something is missing. */
  isLoaded(): boolean {
    try {
      this.load();
      return true;
    } catch (error) {
      if (!(error instanceof ResourceError)) throw error;
      return false;
    }
  }

  /** Throws ResourceError if UCX, the shim or koffi is missing. The message has the command that installs it. */
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
