import { behavior, later } from 'millrace';
import { Market } from '../gen/market.js';
import { Follower } from './follower.js';

interface Share {
  trades: number;
  last: number;
  low: number;
  high: number;
  readonly followers: Set<Follower>;
}

/** One share. When a handler throws, the actor restarts with fresh state and keeps its mailbox. Other shares go on. */
export const share = behavior(Market, {
  supervision: { onFailure: 'restart', maxRestarts: 100, windowMs: 60_000 },
  state: (): Share => ({ trades: 0, last: 0, low: Number.POSITIVE_INFINITY, high: 0, followers: new Set() }),

  observe: (share, trade) => {
    share.trades++;
    share.last = trade.price;
    share.low = Math.min(share.low, trade.price);
    share.high = Math.max(share.high, trade.price);
    for (const follower of share.followers) follower.push(trade);
  },

  quote: ({ trades, last, low, high }, { symbol }) => ({ symbol, trades, last, low: trades === 0 ? 0 : low, high }),

  async *watch(share) {
    const follower = new Follower();
    share.followers.add(follower);
    try {
      // `later` leaves the mailbox free until the next price.
      for (;;) yield later(follower.next());
    } finally {
      share.followers.delete(follower);
    }
  },

  fail: (_share, { symbol }) => {
    throw new Error(`${symbol} fails, because the request asks for it`);
  },
});
