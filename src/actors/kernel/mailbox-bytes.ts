/**
 * Encoded bytes of the messages from links that wait in the mailboxes of one partition, all actors together. Messages from the
 * partition itself are objects of their senders, and take none.
 */
export class MailboxBytes {
  used = 0;
  readonly limit: number;
  private readonly waiters = new Set<() => void>();

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
    if (this.waiters.size > 0 && this.used <= this.limit / 2) this.wake();
  }

  /** Calls `go` once, when half is free. Returns a function that cancels the call. */
  whenHalfFree(go: () => void): () => void {
    this.waiters.add(go);
    return () => void this.waiters.delete(go);
  }

  private wake(): void {
    const waiters = [...this.waiters];
    this.waiters.clear();
    for (const go of waiters) go();
  }
}
