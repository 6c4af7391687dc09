import { setTimeout } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';

export interface CloseOptions {
  /** Time in which everything is still served while load balancers, and clients with open connections, learn that it ends, in ms. */
  readonly noticeMs: number;
  /** Time after which connections are cut that have not ended, in ms. */
  readonly graceMs: number;
}

/** Closes a server after its pending requests are answered. A connection that arrives while it closes is reset. */
export async function closeServer(server: FastifyInstance, { noticeMs, graceMs }: CloseOptions): Promise<void> {
  await setTimeout(noticeMs);
  const late = new AbortController();
  setTimeout(graceMs, undefined, { signal: late.signal }).then(
    () => server.server.closeAllConnections(),
    () => {},
  );
  await server.close();
  late.abort();
}
