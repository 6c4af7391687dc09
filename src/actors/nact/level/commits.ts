import type { ClassicLevel } from 'classic-level';
import { StoppedError } from '../../../errors.js';

export type Operation =
  | { readonly type: 'put'; readonly key: string; readonly value: string }
  | { readonly type: 'del'; readonly key: string };

/** Says what is to be written, all of it or nothing, when its turn has come. It throws to be refused. */
export type Change = () => Promise<readonly Operation[]>;

interface Entry {
  readonly change: Change;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Changes that go into one write at most, so that a write and its memory stay bounded. */
const MOST_TOGETHER = 1_024;

/**
 * Writes changes in the order in which they come. All that come while a write is under way go into the next one together, so that many
 * actors wait for one sync of the disk instead of one each.
 */
export class Commits {
  readonly #db: ClassicLevel;
  readonly #sync: boolean;
  readonly #onFailure: () => void;
  readonly #waiting: Entry[] = [];
  #writing: Promise<void> | undefined;
  #isClosed = false;

  /** With `sync`, what is written is on the disk before it is acknowledged. `onFailure` is called when a write was not. */
  constructor(db: ClassicLevel, sync: boolean, onFailure: () => void) {
    this.#db = db;
    this.#sync = sync;
    this.#onFailure = onFailure;
  }

  /** Resolves when the change is written. */
  add(change: Change): Promise<void> {
    if (this.#isClosed) return Promise.reject(new StoppedError('the store is closed: nothing is written any more'));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ change, resolve, reject });
      this.#writing ??= this.#write();
    });
  }

  /** Refuses what comes from now on; resolves when all that came before is written or refused. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#writing;
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const operations: Operation[] = [];
      const accepted: Entry[] = [];
      for (const entry of this.#waiting.splice(0, MOST_TOGETHER)) {
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
