import type { Trade } from '../gen/market.js';

/** The next price for one reader. It keeps only the latest, so a slow reader misses prices and takes no memory. */
export class Follower {
  #latest: Trade | undefined;
  #wake: ((trade: Trade) => void) | undefined;

  push(trade: Trade): void {
    if (this.#wake === undefined) {
      this.#latest = trade;
    } else {
      this.#wake(trade);
      this.#wake = undefined;
    }
  }

  /** The next price. Resolves at once when one has come since the last. */
  next(): Promise<Trade> {
    const trade = this.#latest;
    this.#latest = undefined;
    return trade === undefined ? new Promise((wake) => (this.#wake = wake)) : Promise.resolve(trade);
  }
}
