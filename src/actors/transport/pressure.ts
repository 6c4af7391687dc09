import { type MillraceError, ProtocolError } from '../../errors.js';
import type { Cell } from '../kernel/index.js';

interface Waiting {
  readonly cUid: bigint;
  readonly isClear: () => boolean;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Repeats of a Full that may be lost in a row before it is taken as obsolete. */
const PATIENCE = 5;
/** Mailboxes that a peer may report as full at a time. */
const MOST_FULL = 65_536;

/**
 * Mailbox pressure across one link. A receiver reports Full when a mailbox is past its high-water mark, and Ready when it has room
 * again; a sender's `ready()` waits for Ready. On a link that may lose frames, Full is repeated and expires, so that the loss of
 * either message is repaired.
 */
export class FullMailboxes {
  readonly #send: (cUid: bigint, isFull: boolean) => void;
  /** Mailboxes of the peer that are past their mark, with the repeats that may still be missed. */
  readonly #full = new Map<bigint, number>();
  /** Mailboxes here that were reported to the peer as full. */
  readonly #reported = new Set<bigint>();
  #waiting: Waiting[] = [];

  constructor(send: (cUid: bigint, isFull: boolean) => void) {
    this.#send = send;
  }

  get needsRepeat(): boolean {
    return this.#full.size > 0 || this.#reported.size > 0;
  }

  isFull(cUid: bigint): boolean {
    return this.#full.size > 0 && this.#full.has(cUid);
  }

  /** The sender's side: the peer reports a mailbox. */
  onPressure(cUid: bigint, isFull: boolean): void {
    if (!isFull) {
      this.#full.delete(cUid);
      this.wake();
    } else if (this.#full.size < MOST_FULL || this.#full.has(cUid)) {
      this.#full.set(cUid, PATIENCE);
    } else {
      throw new ProtocolError(`The peer reports more than ${MOST_FULL} of its mailboxes as full.`);
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

  /** The receiver's side: this mailbox is past its high-water mark. */
  passed(cUid: bigint, cell: Cell): void {
    if (this.#reported.has(cUid)) {
      return;
    }
    this.#reported.add(cUid);
    this.#send(cUid, true);
    const clear = (): void => {
      if (this.#reported.delete(cUid)) {
        this.#send(cUid, false);
      }
    };
    cell.readyForLinks().then(clear, clear);
  }

  repeat(): void {
    for (const cUid of this.#reported) {
      this.#send(cUid, true);
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
    this.#reported.clear();
    this.#full.clear();
    for (const { reject } of this.#waiting.splice(0)) {
      reject(error);
    }
  }
}
