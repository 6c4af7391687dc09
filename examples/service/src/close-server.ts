import { setTimeout } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';

export interface CloseOptions {
  /** Time in which everything is still served while load balancers, and clients with open connections, learn that it ends, in ms. */
  readonly noticeMs: number;
  /** Time after which connections are cut that have not ended, in ms. */
  readonly graceMs: number;
}

/** Closes a server without losing a request that it has accepted. */
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
