import { limits } from '../../limits.js';

/**
 * Asks of one peer whose callers have aborted them. An ask whose handler has not started is not executed; the reply of any other is
 * not sent. An abort arrives after its ask, and often after the reply was sent; therefore the oldest entries are dropped.
 */
export class AbortedAsks {
  readonly #correlations = new Set<number>();

  add(correlation: number): void {
    for (const oldest of this.#correlations) {
      if (this.#correlations.size < limits.linkAsks) break;
      this.#correlations.delete(oldest);
    }
    this.#correlations.add(correlation);
  }

  has(correlation: number): boolean {
    return this.#correlations.size > 0 && this.#correlations.has(correlation);
  }

  /** The ask was answered, or the peer uses its correlation number for a new ask. */
  delete(correlation: number): void {
    if (this.#correlations.size > 0) this.#correlations.delete(correlation);
  }
}
