import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { ActorRef, Runtime, Stream } from 'millrace';
import type { Market, Trade } from '../gen/market.js';

interface ForSymbol {
  readonly Params: { readonly symbol: string };
}

interface WithPrice extends ForSymbol {
  readonly Body: { readonly price: number };
}

const params = {
  type: 'object',
  properties: { symbol: { type: 'string', pattern: '^[A-Z][A-Z0-9]{0,7}$' } },
} as const;

const body = {
  type: 'object',
  required: ['price'],
  properties: { price: { type: 'number', exclusiveMinimum: 0 } },
} as const;

const ASK = { timeoutMs: 2_000 };

/** What the service is for: prices of shares. */
export function addPrices(server: FastifyInstance, runtime: Runtime, market: ActorRef<typeof Market>): void {
  // A tell: the answer says that it was taken, not that it was handled.
  server.post<WithPrice>(
    '/prices/:symbol',
    { schema: { params, body } },
    async ({ params: { symbol }, body: { price } }, reply) => {
      market.observe({ symbol, price });
      return reply.code(202).send({ symbol, price });
    },
  );

  // An ask.
  server.get<ForSymbol>('/prices/:symbol', { schema: { params } }, async ({ params: { symbol } }, reply) => {
    const summary = await market.quote({ symbol }, ASK);
    return summary.trades === 0
      ? reply.code(404).send({ error: 'NO_PRICE', message: `${symbol} has no price.` })
      : summary;
  });

  // A stream, as server-sent events.
  server.get<ForSymbol>('/prices/:symbol/events', { schema: { params } }, async (request, reply) => {
    const signal = endOfEvents(reply, runtime.draining);
    const trades = market.watch({ symbol: request.params.symbol }, { timeoutMs: Number.POSITIVE_INFINITY, signal });
    return reply
      .header('content-type', 'text/event-stream')
      .header('cache-control', 'no-store')
      .send(Readable.from(events(trades, signal), { objectMode: false }));
  });

  server.post<ForSymbol>('/prices/:symbol/failure', { schema: { params } }, async ({ params: { symbol } }, reply) => {
    await market.fail({ symbol }, ASK);
    return reply.code(204).send();
  });
}

async function* events(trades: Stream<Trade>, signal: AbortSignal): AsyncGenerator<string> {
  // Tells the client at once that it is connected.
  yield ': connected\n\n';
  try {
    for await (const trade of trades) yield `event: trade\ndata: ${JSON.stringify(trade)}\n\n`;
  } catch (error) {
    // The client's EventSource connects again by itself.
    if (!signal.aborted) yield `event: failure\ndata: ${JSON.stringify({ message: String(error) })}\n\n`;
  }
}

/** Aborted when the client is gone or the service ends. On Node 20 each `AbortSignal.any` would stay in the memory of `draining`. */
function endOfEvents(reply: FastifyReply, draining: AbortSignal): AbortSignal {
  const end = new AbortController();
  const abort = (): void => end.abort();
  draining.addEventListener('abort', abort);
  reply.raw.once('close', () => {
    draining.removeEventListener('abort', abort);
    abort();
  });
  if (draining.aborted) abort();
  return end.signal;
}
