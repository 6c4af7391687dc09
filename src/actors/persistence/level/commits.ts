import type { ClassicLevel } from 'classic-level';
import { StoppedError } from '../../../errors.js';

export type Operation =
  | { readonly type: 'put'; readonly key: string; readonly value: string }
  | { readonly type: 'del'; readonly key: string };

/** Called when its turn has come: returns the operations to write atomically. Throws to cancel itself. */
export type Change = () => Promise<readonly Operation[]>;

interface Entry {
  readonly change: Change;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** The most changes in one write, which bounds its memory. */
const MAX_CHANGES_PER_WRITE = 1_024;

/**
 * Writes changes in the order of the calls. Changes that are added during a write are combined into the next one, so that many actors
 * share one sync of the disk.
 */
export class Commits {
  readonly #db: ClassicLevel;
  readonly #sync: boolean;
  readonly #onFailure: () => void;
  readonly #waiting: Entry[] = [];
  #writing: Promise<void> | undefined;
  #isClosed = false;

  /** With `sync`, a change is on the disk before it is acknowledged. `onFailure` is called when a write failed. */
  constructor(db: ClassicLevel, sync: boolean, onFailure: () => void) {
    this.#db = db;
    this.#sync = sync;
    this.#onFailure = onFailure;
  }

  /** Resolves when the change is written. */
  add(change: Change): Promise<void> {
    if (this.#isClosed) return Promise.reject(new StoppedError('the store is closed, so nothing can be written'));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ change, resolve, reject });
      this.#writing ??= this.#write();
    });
  }

  /** Refuses further changes; resolves when all earlier ones are written or have failed. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#writing;
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const operations: Operation[] = [];
      const accepted: Entry[] = [];
      for (const entry of this.#waiting.splice(0, MAX_CHANGES_PER_WRITE)) {
        try {
          operations.push(...(await entry.change()));
          accepted.push(entry);
        } catch (error) {
          entry.reject(error);
        }
      }
      try {
        if (operations.length > 0) await this.#db.batch(operations, { sync: this.#sync });
        for (const { resolve } of accepted) resolve();
      } catch (error) {
        this.#onFailure();
        for (const { reject } of accepted) reject(error);
      }
    }
    this.#writing = undefined;
  }
}
