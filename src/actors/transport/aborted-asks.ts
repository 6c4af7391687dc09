import { limits } from '../../limits.js';

/**
 * Asks of one peer whose callers have aborted them. An ask whose handler has not started is not executed; the reply of any other is
 * not sent. An abort arrives after its ask, and often after the reply was sent; therefore the oldest entries are dropped: half of them
 * at once, so that an abort costs the same however many there are.
 */
export class AbortedAsks {
  #newer = new Set<number>();
  #older = new Set<number>();

  add(correlation: number): void {
    if (this.#newer.size >= limits.linkAsks / 2) {
      this.#older = this.#newer;
      this.#newer = new Set();
    }
    this.#newer.add(correlation);
  }

  has(correlation: number): boolean {
    return this.#isUsed && (this.#newer.has(correlation) || this.#older.has(correlation));
  }

  /** The ask was answered, or the peer uses its correlation number for a new ask. */
  delete(correlation: number): void {
    if (!this.#isUsed) return;
    this.#newer.delete(correlation);
    this.#older.delete(correlation);
  }

  get #isUsed(): boolean {
    return this.#newer.size > 0 || this.#older.size > 0;
  }
}
