import type { RequestListener, Server as HttpServer } from 'node:http';
import { ConfigError } from '../../errors.js';
import { pause, type Scheduler } from '../../scheduler/index.js';
import { accepted, type AcceptedOptions, checkOptions } from '../../options/index.js';
import type { Runtime } from './runtime.js';

/**
 * An HTTP server of `node:http` or `node:https`. The types of Node are not named here, so that programs without `@types/node` compile.
 */
export interface DrainableServer {
  readonly listening: boolean;
  closeIdleConnections(): void;
  closeAllConnections(): void;
}

export interface DrainHttpOptions {
  /**
   * Time in ms in which new connections are still accepted, while load balancers and clients learn that the server ends. Default 500.
   */
  readonly noticeMs?: number;
  /**
   * Time in ms after that in which open connections may end; then they are destroyed. Default 10 000. If it is longer than the server's
   * `keepAliveTimeout` (5 s by default), no idle connection is destroyed at the moment that its client uses it.
   */
  readonly graceMs?: number;
}

const OPTIONS: AcceptedOptions = { noticeMs: accepted.milliseconds, graceMs: accepted.milliseconds };

/** Time in ms without a new connection after which no client is expected to open one. */
const QUIET_MS = 100;
/** Longest time in ms that requests are held meanwhile. */
const HELD_MS = 1_000;

/**
 * Ends an HTTP server of `node:http`, which Fastify (`fastify.server`), Express and Nest use too, and answers every request over a
 * connection that the server has accepted. From the call on, each response has the header `Connection: close`, so that clients open their
 * next connection elsewhere. Idle connections stay until their client uses them once more, or for their keep-alive time. Resolves when
 * all connections have ended. Rejects with ConfigError for an invalid time, or a value that is not such a server.
 *
 *     stopOnSignals(runtime, {
 *       before: async () => {
 *         await drainHttpServer(runtime, fastify.server);
 *         await fastify.close();
 *       },
 *     });
 */
export async function drainHttpServer(
  { scheduler }: Runtime,
  server: DrainableServer,
  options: DrainHttpOptions = {},
): Promise<void> {
  if (!isHttpServer(server)) {
    throw new ConfigError(
      'drainHttpServer needs the server of node:http: what app.listen() of Express returns, fastify.server, or app.getHttpServer() of Nest.',
    );
  }
  checkOptions('drainHttpServer', options, OPTIONS);
  const { noticeMs = 500, graceMs = 10_000 } = options;
  checkTime('noticeMs', noticeMs);
  checkTime('graceMs', graceMs);
  for (const event of requestEvents(server)) server.prependListener(event, lastOfItsConnection);
  // Loaded on first use: most programs never need it.
  const { Server: NetServer } = await import('node:net');
  await pause(scheduler, noticeMs);
  const held = new HeldRequests(server);
  await noConnections(scheduler, server);
  const cut = scheduler.setTimer(graceMs, () => server.closeAllConnections());
  // Calls close of node:net: close of node:http would also destroy idle connections, to which a request may be in transit.
  const stopped = new Promise<void>((resolve) => void NetServer.prototype.close.call(server, () => resolve()));
  held.release();
  await stopped;
  scheduler.clearTimer(cut);
}

/** The events by which Node hands over a request. Those with `Expect` have their own if somebody listens to it; nobody must begin to, then. */
function requestEvents(server: HttpServer): readonly string[] {
  const expecting = ['checkContinue', 'checkExpectation'].filter((event) => server.listenerCount(event) > 0);
  return ['request', ...expecting];
}

/** The compiler lets anything pass that has the methods of DrainableServer, and JavaScript anything at all. */
function isHttpServer(server: unknown): server is HttpServer {
  return (
    typeof server === 'object' && server !== null && 'closeAllConnections' in server && 'prependListener' in server
  );
}

const lastOfItsConnection: RequestListener = (_request, response) => {
  response.setHeader('connection', 'close');
};

/**
 * Holds requests back until the listening socket is closed. The operating system then resets connections that were not accepted; a client
 * that waits for a response opens no further connection meanwhile.
 */
class HeldRequests {
  readonly #releases: readonly (() => void)[];

  constructor(server: HttpServer) {
    this.#releases = requestEvents(server).map((event) => hold(server, event));
  }

  release(): void {
    for (const release of this.#releases) release();
  }
}

/** Keeps what an event brings from its listeners, until the function that is returned is called. */
function hold(server: HttpServer, event: string): () => void {
  const listeners = server.rawListeners(event).filter(isListener);
  const held: Parameters<RequestListener>[] = [];
  const keep: RequestListener = (...request) => void held.push(request);
  server.removeAllListeners(event);
  server.on(event, keep);
  return () => {
    server.off(event, keep);
    for (const listener of listeners) server.on(event, listener);
    for (const [request, response] of held) server.emit(event, request, response);
  };
}

function isListener(value: unknown): value is RequestListener {
  return typeof value === 'function';
}

/** Resolves when no connection has arrived for a while, right after a turn of the event loop that accepted pending ones. */
async function noConnections(scheduler: Scheduler, server: HttpServer): Promise<void> {
  const beganMs = scheduler.now();
  let lastMs = beganMs;
  const connected = (): void => {
    lastMs = scheduler.now();
  };
  server.on('connection', connected);
  while (scheduler.now() - lastMs < QUIET_MS && scheduler.now() - beganMs < HELD_MS) {
    await pause(scheduler, 1);
    await new Promise<void>((resolve) => scheduler.scheduleYield(resolve));
  }
  server.off('connection', connected);
}

function checkTime(name: string, ms: number): void {
  if (!(ms >= 0 && ms < 2 ** 31)) throw new ConfigError(`${name} must be a number of milliseconds from 0, not ${ms}.`);
}
