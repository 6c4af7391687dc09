import type { MillraceError } from '../../errors.js';
import type { Cell } from '../kernel/index.js';

interface Waiting {
  readonly cUid: bigint;
  readonly isClear: () => boolean;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * The marks of mailboxes over one link. A receiver says Full when a mailbox is past its mark and Ready when it has room again; a
 * sender's `ready()` waits for that. A word lost on the way is made good by the next one.
 */
export class FullMailboxes {
  readonly #say: (cUid: bigint, isFull: boolean) => void;
  /** Mailboxes at the other end that are past their mark. */
  readonly #full = new Set<bigint>();
  /** Mailboxes here of which the other end was told that they are full. */
  readonly #told = new Set<bigint>();
  #waiting: Waiting[] = [];

  constructor(say: (cUid: bigint, isFull: boolean) => void) {
    this.#say = say;
  }

  isFull(cUid: bigint): boolean {
    return this.#full.has(cUid);
  }

  /** The sender's side. */
  heard(cUid: bigint, isFull: boolean): void {
    if (isFull) {
      this.#full.add(cUid);
    } else {
      this.#full.delete(cUid);
      this.wake();
    }
  }

  ready(cUid: bigint, isClear: () => boolean): Promise<void> {
    if (!this.#full.has(cUid) && isClear()) {
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => this.#waiting.push({ cUid, isClear, resolve, reject }));
  }

  wake(): void {
    this.#waiting = this.#waiting.filter(({ cUid, isClear, resolve }) => {
      const isReady = !this.#full.has(cUid) && isClear();
      if (isReady) {
        resolve();
      }
      return !isReady;
    });
  }

  /** The receiver's side: a message went past the mark of this mailbox. */
  passed(cUid: bigint, cell: Cell): void {
    if (this.#told.has(cUid)) {
      return;
    }
    this.#told.add(cUid);
    this.#say(cUid, true);
    const clear = (): void => {
      if (this.#told.delete(cUid)) {
        this.#say(cUid, false);
      }
    };
    cell.ready().then(clear, clear);
  }

  close(error: MillraceError): void {
    this.#told.clear();
    for (const { reject } of this.#waiting) {
      reject(error);
    }
    this.#waiting = [];
  }
}
