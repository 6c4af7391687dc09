import { type ActorRef, behavior, CapacityError, type Context, later } from 'millrace';
import { Market } from '../gen/market.js';
import { share } from './share.js';

/** Shares, each an actor: as many as anybody may make by asking for them. */
const MOST_SHARES = 10_000;

type Shares = Map<string, ActorRef<typeof Market>>;

/** Finds the actor of a share, and hands everything on to it. It supervises them: they are its children, and end with it. */
export const market = behavior(Market, {
  // A refusal is an answer, and no reason to begin anew.
  supervision: 'resume',
  state: (): Shares => new Map(),

  observe: (shares, trade, ctx) => void shareOf(shares, trade.symbol, ctx).observe(trade),

  // `later` frees the mailbox while the share answers.
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
    throw new CapacityError(`${MOST_SHARES} shares are traded already; ${symbol} is not.`);
  const made = ctx.spawn(share, { name: symbol });
  shares.set(symbol, made);
  return made;
}
