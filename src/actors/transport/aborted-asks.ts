import { limits } from '../../limits.js';

/**
 * Asks of one peer whose callers want no answer any more: one that was not begun yet is not executed, for any other its answer is not
 * sent. The words of it come behind their asks, and often after their answers, so that the oldest are forgotten.
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

  /** It is answered, or the peer asks anew with the same number. */
  delete(correlation: number): void {
    if (this.#correlations.size > 0) this.#correlations.delete(correlation);
  }
}
