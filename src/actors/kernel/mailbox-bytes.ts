/** Those who wait are told whenever this part of the limit was released. */
const STEP = 1 / 64;

/** One who waits until half of the bytes are free. */
export interface BytesWaiter {
  /** Some bytes were released. */
  progressed(): void;
  /** Called once. */
  halfFree(): void;
}

/**
 * Encoded bytes of the messages from links that wait in the mailboxes of one partition, all actors together. Messages from the
 * partition itself are objects of their senders, and take none.
 */
export class MailboxBytes {
  used = 0;
  readonly limit: number;
  readonly #waiters = new Set<BytesWaiter>();
  /** Released since those who wait were told. */
  #released = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** No further message is accepted. The last one may have exceeded the limit. */
  get isFull(): boolean {
    return this.used >= this.limit;
  }

  /** Three quarters are used: senders should wait until half is free. */
  get isPastMark(): boolean {
    return this.used > this.limit * 0.75;
  }

  take(sizeBytes: number): void {
    this.used += sizeBytes;
  }

  release(sizeBytes: number): void {
    this.used -= sizeBytes;
    if (this.#waiters.size > 0) this.#notify(sizeBytes);
  }

  /** `waiter` is told when half is free. Returns a function that forgets it. */
  whenHalfFree(waiter: BytesWaiter): () => void {
    this.#waiters.add(waiter);
    return () => void this.#waiters.delete(waiter);
  }

  #notify(sizeBytes: number): void {
    this.#released += sizeBytes;
    const isHalfFree = this.used <= this.limit / 2;
    if (!isHalfFree && this.#released < this.limit * STEP) return;
    this.#released = 0;
    const waiters = [...this.#waiters];
    if (isHalfFree) this.#waiters.clear();
    for (const waiter of waiters) {
      if (isHalfFree) waiter.halfFree();
      else waiter.progressed();
    }
  }
}
