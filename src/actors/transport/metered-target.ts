import { limits } from '../../limits.js';
import type { ReadyQueue } from '../kernel/index.js';

/** What one target needs of the sending link. */
export interface SendingLink {
  /** Sends a MailboxWant. */
  want(target: MeteredTarget): void;
  /** The link has room for this actor, and the mailboxes of the peer's partition together have. */
  hasRoom(cUid: bigint): boolean;
  queueFor(hasRoom: () => boolean): ReadyQueue;
}

/**
 * The sender's end: an actor of the peer whose mailbox meters this link, or for which senders wait.
 *
 *     unmetered --METERED--> metered: sent <= granted, then a courtesy that returns false, then BackpressureError
 *               <--CLEAR---
 */
export class MeteredTarget {
  readonly cUid: bigint;
  /** The callers of `ready()`. */
  readonly waiters: ReadyQueue;
  /** The peer was told that more is wanted, and has not answered. */
  isWanting = false;
  readonly #link: SendingLink;
  #sent = 0;
  #granted = Number.POSITIVE_INFINITY;
  /** At this many sent messages more is asked for, so that a fast sender need not stop. */
  #askAt = Number.POSITIVE_INFINITY;
  #courtesyBytes = 0;
  #isPastMark = false;
  /** A sender was refused, or waits: it wants more than it was granted. */
  #isShort = false;

  constructor(cUid: bigint, link: SendingLink) {
    this.cUid = cUid;
    this.#link = link;
    this.waiters = link.queueFor(() => this.hasRoom && link.hasRoom(cUid));
  }

  get sent(): number {
    return this.#sent;
  }

  get granted(): number {
    return this.#granted;
  }

  get isMetered(): boolean {
    return this.#granted !== Number.POSITIVE_INFINITY || this.#isPastMark;
  }

  /** A tell would return true. */
  get hasRoom(): boolean {
    return this.#sent < this.#granted && !this.#isPastMark;
  }

  /** A tell is accepted, past the grant too for as long as the courtesy lasts: the tell before it may have returned true. */
  get acceptsTell(): boolean {
    return this.#sent < this.#granted || this.#courtesyBytes > 0;
  }

  get acceptsCall(): boolean {
    return this.#sent < this.#granted;
  }

  /** A message was sent. False when the next one should wait. */
  spend(sizeBytes: number): boolean {
    if (this.#sent >= this.#granted) {
      this.#courtesyBytes -= sizeBytes;
    }
    this.#sent++;
    if (this.#sent >= this.#askAt) {
      this.#want();
    }
    return this.hasRoom;
  }

  /** A sender was refused, or waits. */
  short(): void {
    this.#isShort = true;
    if (!this.hasRoom) {
      this.#want();
    }
  }

  /** The peer drops messages at the bound of this mailbox: senders should wait, and are not refused. */
  passMark(): void {
    this.#isPastMark = true;
  }

  /** `firstCount` is above every grant that the peer has made before. */
  meter(firstCount: number, granted: number): void {
    this.#isPastMark = false;
    if (this.#granted === Number.POSITIVE_INFINITY) {
      this.#sent = firstCount;
      this.#granted = firstCount;
      this.#courtesyBytes = limits.linkCourtesyBytes;
    }
    if (granted > this.#granted) {
      this.#raise(granted);
    }
    if (!this.hasRoom && (this.#isShort || this.waiters.size > 0)) {
      this.#want();
    }
  }

  lift(): void {
    this.#granted = Number.POSITIVE_INFINITY;
    this.#askAt = Number.POSITIVE_INFINITY;
    this.#isPastMark = false;
    this.isWanting = false;
    this.#isShort = false;
  }

  #raise(granted: number): void {
    this.#granted = granted;
    this.#askAt = granted - Math.floor((granted - this.#sent) / 2);
    this.#courtesyBytes = limits.linkCourtesyBytes;
    this.isWanting = false;
    this.#isShort = this.#isShort && !this.hasRoom;
  }

  #want(): void {
    if (!this.isWanting) {
      this.isWanting = true;
      this.#link.want(this);
    }
  }
}
