/** What is sent and not yet acknowledged; kept for sending again where the link may lose it. */
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
 * One writer's side of the way to one reader: sequence numbers, credit, and what is not acknowledged. Pure state.
 *
 *     sequence:   0 ........ received ........ sent ........ granted
 *                   arrived |  on its way     |  may be sent |
 *                           |  (kept if lossy)|              |
 *
 * The end of the stream takes a sequence of its own and needs no credit. An element may be sent while any byte is granted, so the
 * last one may reach past the grant: one that is larger than the whole window passes, too.
 */
export class OutgoingStream<T> {
  /** Elements sent so far, which is the sequence of the next one. */
  sent = 0;
  sentBytes = 0;
  /** Everything before this has arrived. */
  received = 0;
  isEnded = false;
  readonly #keeps: boolean;
  #grantedItems = 0;
  #grantedBytes = 0;
  #kept: Sent<T>[] = [];

  constructor(keeps: boolean) {
    this.#keeps = keeps;
  }

  /** The reader has granted something, so it knows this writer: before that, whatever is sent to it is lost. */
  get isOpen(): boolean {
    return this.#grantedItems > 0;
  }

  get hasCredit(): boolean {
    return !this.isEnded && this.sent < this.#grantedItems && this.sentBytes < this.#grantedBytes;
  }

  /** All that was sent, the end included, has arrived. */
  get isAcknowledged(): boolean {
    return this.received >= this.sent + (this.isEnded ? 1 : 0);
  }

  /** Takes the next sequence for a value. */
  take(value: T): number {
    const sequence = this.sent++;
    if (this.#keeps) {
      this.#kept.push({ sequence, value });
    }
    return sequence;
  }

  /** A value that could not be handed to its link after all. */
  untake(): void {
    this.sent--;
    if (this.#keeps) {
      this.#kept.pop();
    }
  }

  /** Totals only ever grow: an older grant, overtaken by a newer one, changes nothing. */
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

  /** What was sent and has not arrived, oldest first; only of a stream that keeps it. */
  unacknowledged(): readonly Sent<T>[] {
    return this.#kept;
  }
}
