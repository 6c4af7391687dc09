import { CreditTotals, SentElements } from '../flow/index.js';

/** Totals since the stream began. */
export interface Granted {
  readonly items: number;
  readonly bytes: number;
  readonly received: number;
}

/**
 * The state of a stream from this writer to one reader: sequence numbers, credit, and unacknowledged elements. It has no side effects.
 *
 *     sequence:   0 ........ received ........ sent ........ granted
 *                   arrived |  in transit     |  may be sent |
 *                           |  (kept if lossy)|              |
 *
 * The end of the stream has a sequence number of its own and needs no credit.
 */
export class OutgoingStream<T> {
  /** Elements sent so far. Also the sequence number of the next one. */
  sent = 0;
  sentBytes = 0;
  /** All elements before this sequence number have arrived. */
  received = 0;
  isEnded = false;
  readonly #keeps: boolean;
  readonly #credit = new CreditTotals();
  readonly #kept = new SentElements<T>();

  constructor(keeps: boolean) {
    this.#keeps = keeps;
  }

  /** The reader has granted credit, so it knows this writer. Before that, everything sent to it is lost. */
  get isOpen(): boolean {
    return this.#credit.items > 0;
  }

  get hasCredit(): boolean {
    return !this.isEnded && this.#credit.allows({ items: this.sent, bytes: this.sentBytes });
  }

  /** Elements that may be sent now, as far as their number is concerned. */
  get creditItems(): number {
    return this.#credit.items - this.sent;
  }

  /** Everything sent has arrived, including the end. */
  get isAcknowledged(): boolean {
    return this.received >= this.sent + (this.isEnded ? 1 : 0);
  }

  /** Assigns the next sequence number to a value. */
  take(value: T): number {
    const sequence = this.sent++;
    if (this.#keeps) this.#kept.keep(value, 0);
    return sequence;
  }

  /** Undoes the last `take`: the link did not accept the value. */
  untake(): void {
    this.sent--;
    if (this.#keeps) this.#kept.unkeep();
  }

  /** Totals only grow: an old grant that arrives after a newer one changes nothing. */
  grant(granted: Granted): void {
    this.#credit.grant(granted);
    const received = Math.min(granted.received, this.sent + (this.isEnded ? 1 : 0));
    if (received <= this.received) return;
    this.received = received;
    if (this.#keeps) this.#kept.arrived(received);
  }

  /** Elements that were sent and not acknowledged, oldest first. None unless the stream keeps them. */
  unacknowledged(): Iterable<readonly [sequence: number, value: T]> {
    return this.#kept;
  }

  /** Keeps no element any more. */
  forget(): void {
    this.#kept.forget();
  }
}
