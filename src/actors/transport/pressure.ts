import { type MillraceError, ProtocolError } from '../../errors.js';
import type { Cell } from '../kernel/index.js';

interface Waiting {
  readonly cUid: bigint;
  readonly isClear: () => boolean;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Repeats of a Full that may be lost in a row before it counts for nothing. */
const PATIENCE = 5;
/** Mailboxes that a peer may call full at a time. */
const MOST_FULL = 65_536;

/**
 * The marks of mailboxes over one link. A receiver says Full when a mailbox is past its mark and Ready when it has room again; a
 * sender's `ready()` waits for that. On a link that may lose frames Full is said again and again, and holds for a while only: so a lost
 * word of either kind is made good.
 */
export class FullMailboxes {
  readonly #say: (cUid: bigint, isFull: boolean) => void;
  /** Mailboxes at the other end that are past their mark, with the repeats that may still be missed. */
  readonly #full = new Map<bigint, number>();
  /** Mailboxes here of which the other end was told that they are full. */
  readonly #told = new Set<bigint>();
  #waiting: Waiting[] = [];

  constructor(say: (cUid: bigint, isFull: boolean) => void) {
    this.#say = say;
  }

  get needsRepeat(): boolean {
    return this.#full.size > 0 || this.#told.size > 0;
  }

  isFull(cUid: bigint): boolean {
    return this.#full.size > 0 && this.#full.has(cUid);
  }

  /** The sender's side. */
  heard(cUid: bigint, isFull: boolean): void {
    if (!isFull) {
      this.#full.delete(cUid);
      this.wake();
    } else if (this.#full.size < MOST_FULL || this.#full.has(cUid)) {
      this.#full.set(cUid, PATIENCE);
    } else {
      throw new ProtocolError(`The peer says that more than ${MOST_FULL} of its mailboxes are full.`);
    }
  }

  ready(cUid: bigint, isClear: () => boolean): Promise<void> {
    if (!this.#full.has(cUid) && isClear()) {
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => this.#waiting.push({ cUid, isClear, resolve, reject }));
  }

  wake(): void {
    if (this.#waiting.length === 0) {
      return;
    }
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
    cell.readyForLinks().then(clear, clear);
  }

  repeat(): void {
    for (const cUid of this.#told) {
      this.#say(cUid, true);
    }
    for (const [cUid, patience] of this.#full) {
      if (patience > 0) {
        this.#full.set(cUid, patience - 1);
      } else {
        this.#full.delete(cUid);
      }
    }
    this.wake();
  }

  close(error: MillraceError): void {
    this.#told.clear();
    this.#full.clear();
    for (const { reject } of this.#waiting.splice(0)) {
      reject(error);
    }
  }
}
