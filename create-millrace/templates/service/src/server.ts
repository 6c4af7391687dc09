import Fastify, { type FastifyInstance } from 'fastify';
import { type ActorRef, BackpressureError, RefusedError, type Runtime } from 'millrace';
import { collectMetrics } from 'millrace/prometheus';
import { Registry } from 'prom-client';
import type { Prices } from '../gen/prices.js';

interface OfSymbol {
  readonly Params: { readonly symbol: string };
}

interface WithPrice extends OfSymbol {
  readonly Body: { readonly price: number };
}

/** Fastify answers a body that does not fit with 400. */
const body = {
  type: 'object',
  required: ['price'],
  properties: { price: { type: 'number', exclusiveMinimum: 0 } },
} as const;

/** The HTTP side of the service. It does not listen yet, so that tests can send requests to it without a port. */
export function createServer(runtime: Runtime, prices: ActorRef<typeof Prices>): FastifyInstance {
  const server = Fastify();

  server.put<WithPrice>('/prices/:symbol', { schema: { body } }, async ({ params, body: { price } }, reply) => {
    prices.observe({ symbol: params.symbol, price });
    return reply.code(202).send();
  });

  server.get<OfSymbol>('/prices/:symbol', ({ params: { symbol } }) => prices.quote({ symbol }, { timeoutMs: 1_000 }));

  server.setErrorHandler((error, _request, reply) => {
    if (error instanceof RefusedError && error.reason === 'NOT_FOUND') reply.code(404);
    if (error instanceof BackpressureError) reply.code(503).header('retry-after', '1');
    return reply.send(error);
  });

  server.get('/healthz', (_request, reply) => reply.code(runtime.health().isAlive ? 200 : 503).send(runtime.health()));
  server.get('/readyz', (_request, reply) => reply.code(runtime.health().isReady ? 200 : 503).send(runtime.health()));

  const register = new Registry();
  collectMetrics(runtime, register);
  server.get('/metrics', async (_request, reply) => reply.type(register.contentType).send(await register.metrics()));
  return server;
}
