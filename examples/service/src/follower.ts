import type { Trade } from '../gen/market.js';

/** One reader of a share's prices, between one price and the next. It keeps the latest only, so that a slow reader costs no memory. */
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

  /** The next price; at once where one came since the last. */
  next(): Promise<Trade> {
    const trade = this.#latest;
    this.#latest = undefined;
    return trade === undefined ? new Promise((wake) => (this.#wake = wake)) : Promise.resolve(trade);
  }
}
