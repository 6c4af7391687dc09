import { behavior, Refusal } from 'millrace';
import { Prices } from '../gen/prices.js';

interface Share {
  price: number;
  trades: number;
}

/** Keeps the last price of each share. It handles one message at a time, so that its state needs no lock. */
export const prices = behavior(Prices, {
  state: () => new Map<string, Share>(),

  observe: (shares, { symbol, price }) => {
    shares.set(symbol, { price, trades: (shares.get(symbol)?.trades ?? 0) + 1 });
  },

  quote: (shares, { symbol }) => {
    const share = shares.get(symbol);
    if (share === undefined) throw new Refusal('NOT_FOUND', `${symbol} has no price`);
    return share;
  },

  // What the dashboard shows of the state.
  on: { inspect: (shares) => ({ symbols: shares.size }) },
});
