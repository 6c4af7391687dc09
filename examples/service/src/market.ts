import { type ActorRef, behavior, CapacityError, type Context, later } from 'millrace';
import { Market } from '../gen/market.js';
import { share } from './share.js';

/** The most shares, each of them an actor, that requests can create. */
const MOST_SHARES = 10_000;

type Shares = Map<string, ActorRef<typeof Market>>;

/** Finds the actor of a share, and passes every message on to it. The shares are its children: it supervises them, and they end with it. */
export const market = behavior(Market, {
  // An error is the answer to one caller. By default it would also restart the actor.
  supervision: 'resume',
  state: (): Shares => new Map(),

  observe: (shares, trade, ctx) => void shareOf(shares, trade.symbol, ctx).observe(trade),

  // `later` leaves the mailbox free while the share answers.
  quote: (shares, request) => {
    const known = shares.get(request.symbol);
    return known === undefined ? { symbol: request.symbol } : later(known.quote(request));
  },

  async *watch(shares, request, ctx) {
    const trades = shareOf(shares, request.symbol, ctx).watch(request, { timeoutMs: Number.POSITIVE_INFINITY });
    try {
      for (;;) yield later(trades.next().then(({ value }) => value ?? {}));
    } finally {
      await trades.return();
    }
  },

  fail: (shares, request, ctx) => later(shareOf(shares, request.symbol, ctx).fail(request)),
});

function shareOf(shares: Shares, symbol: string, ctx: Context): ActorRef<typeof Market> {
  const known = shares.get(symbol);
  if (known !== undefined) return known;
  if (shares.size >= MOST_SHARES)
    throw new CapacityError(`${symbol} cannot be added: ${MOST_SHARES} shares exist, which is the most.`);
  const made = ctx.spawn(share, { name: symbol });
  shares.set(symbol, made);
  return made;
}
