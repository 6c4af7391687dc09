/** What is sent and not yet acknowledged; kept for sending again where the link may lose it. */
export interface Sent<T> {
  readonly sequence: number;
  readonly value: T;
}

export interface Granted {
  readonly items: number;
  readonly bytes: number;
  readonly received: number;
  readonly hasGap: boolean;
}

/**
 * One writer's side of the way to one reader: sequence numbers, credit, and what is not acknowledged. Pure state.
 *
 *     sequence:   0 ........ received ........ sent ........ granted
 *                   arrived |  on its way     |  may be sent |
 *                           |  (kept if lossy)|              |
 *
 * The end of the stream takes a sequence of its own and needs no credit.
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

  /** Totals only ever grow: an older grant, overtaken by a newer one, changes nothing. Says whether anything moved. */
  grant({ items, bytes, received }: Granted): boolean {
    const hasMoved = items > this.#grantedItems || bytes > this.#grantedBytes || received > this.received;
    this.#grantedItems = Math.max(this.#grantedItems, items);
    this.#grantedBytes = Math.max(this.#grantedBytes, bytes);
    if (received > this.received) {
      this.received = Math.min(received, this.sent + 1);
      if (this.#keeps) {
        const first = this.#kept.findIndex(({ sequence }) => sequence >= received);
        this.#kept = first < 0 ? [] : this.#kept.slice(first);
      }
    }
    return hasMoved;
  }

  /** What was sent and has not arrived, oldest first; only of a stream that keeps it. */
  unacknowledged(): readonly Sent<T>[] {
    return this.#kept;
  }
}
