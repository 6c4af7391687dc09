/** An element that was sent and not acknowledged. Kept for resending on a link that may lose it. */
export interface Sent<T> {
  readonly sequence: number;
  readonly value: T;
}

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
 * The end of the stream has a sequence number of its own and needs no credit. An element may be sent while any byte is granted. So the
 * last one may exceed the grant, and an element larger than the whole window can pass.
 */
export class OutgoingStream<T> {
  /** Elements sent so far. Also the sequence number of the next one. */
  sent = 0;
  sentBytes = 0;
  /** All elements before this sequence number have arrived. */
  received = 0;
  isEnded = false;
  readonly #keeps: boolean;
  #grantedItems = 0;
  #grantedBytes = 0;
  #kept: Sent<T>[] = [];

  constructor(keeps: boolean) {
    this.#keeps = keeps;
  }

  /** The reader has granted credit, so it knows this writer. Before that, everything sent to it is lost. */
  get isOpen(): boolean {
    return this.#grantedItems > 0;
  }

  get hasCredit(): boolean {
    return !this.isEnded && this.sent < this.#grantedItems && this.sentBytes < this.#grantedBytes;
  }

  /** Everything sent has arrived, including the end. */
  get isAcknowledged(): boolean {
    return this.received >= this.sent + (this.isEnded ? 1 : 0);
  }

  /** Assigns the next sequence number to a value. */
  take(value: T): number {
    const sequence = this.sent++;
    if (this.#keeps) {
      this.#kept.push({ sequence, value });
    }
    return sequence;
  }

  /** Undoes the last `take`: the link did not accept the value. */
  untake(): void {
    this.sent--;
    if (this.#keeps) {
      this.#kept.pop();
    }
  }

  /** Totals only grow: an old grant that arrives after a newer one changes nothing. */
  grant({ items, bytes, received }: Granted): void {
    this.#grantedItems = Math.max(this.#grantedItems, items);
    this.#grantedBytes = Math.max(this.#grantedBytes, bytes);
    if (received > this.received) {
      this.received = Math.min(received, this.sent + (this.isEnded ? 1 : 0));
      if (this.#keeps) {
        const first = this.#kept.findIndex(({ sequence }) => sequence >= received);
        this.#kept = first < 0 ? [] : this.#kept.slice(first);
      }
    }
  }

  /** Elements that were sent and not acknowledged, oldest first. Empty unless the stream keeps them. */
  unacknowledged(): readonly Sent<T>[] {
    return this.#kept;
  }

  /** Keeps no element any more. */
  forget(): void {
    this.#kept = [];
  }
}
