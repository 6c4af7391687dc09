import Fastify, { type FastifyInstance } from 'fastify';
import type { ActorRef, Runtime } from 'millrace';
import { collectMetrics } from 'millrace/prometheus';
import { Registry } from 'prom-client';
import type { Market } from '../gen/market.js';
import { sendError } from './errors.js';
import { addPage } from './page.js';
import { addPrices } from './prices.js';

/** The HTTP side of the service; it does not listen yet. */
export function createServer(runtime: Runtime, market: ActorRef<typeof Market>): FastifyInstance {
  const server = Fastify();
  server.setErrorHandler((error, _request, reply) => sendError(error, reply));

  addPrices(server, runtime, market);
  addPage(server);

  // Liveness: false only where nothing but a restart helps. Readiness: whether to send requests.
  server.get('/healthz', async (_request, reply) => {
    const { isAlive, phase, problems } = runtime.health();
    return reply.code(isAlive ? 200 : 503).send({ phase, problems });
  });
  server.get('/readyz', async (_request, reply) => {
    const health = runtime.health();
    return reply.code(health.isReady ? 200 : 503).send(health);
  });

  const register = new Registry();
  collectMetrics(runtime, register);
  server.get('/metrics', async (_request, reply) => reply.type(register.contentType).send(await register.metrics()));
  return server;
}
