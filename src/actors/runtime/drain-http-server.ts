import type { RequestListener, Server as HttpServer } from 'node:http';
import { ConfigError } from '../../errors.js';
import type { Scheduler } from '../../scheduler/index.js';
import { accepted, type AcceptedOptions, checkOptions } from '../kernel/index.js';
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
   * Time in ms in which new connections are still taken, while load balancers and clients learn that the server ends. Default 500.
   */
  readonly noticeMs?: number;
  /**
   * Time in ms after that in which open connections may end; then they are cut. Default 10 000. Above the `keepAliveTimeout` of the server
   * (5 s unless you set it) no idle connection is cut that its client may be using at that moment.
   */
  readonly graceMs?: number;
}

const OPTIONS: AcceptedOptions = { noticeMs: accepted.milliseconds, graceMs: accepted.milliseconds };

/** Time in ms without a new connection after which nobody is about to open one. */
const QUIET_MS = 100;
/** Longest time in ms that requests are held for that. */
const HELD_MS = 1_000;

/**
 * Ends an HTTP server of `node:http`, and so one of Fastify (`fastify.server`), Express and Nest, such that every request is answered which
 * comes over a connection that the server has accepted. From the call on each answer says `Connection: close`, so that clients open a new
 * connection, elsewhere; idle connections stay until their client uses them once more, or for their keep-alive time. Resolves when all
 * connections have ended. ConfigError for a time that is none, and for what is no such server.
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
  server.prependListener('request', lastOfItsConnection);
  // Most programs never need it.
  const { Server: NetServer } = await import('node:net');
  await pass(scheduler, noticeMs);
  const held = new HeldRequests(server);
  await noConnections(scheduler, server);
  const cut = scheduler.setTimer(graceMs, () => server.closeAllConnections());
  // As a server of node:net: that of node:http would also cut the connections that are idle, which a request may be on its way to.
  const stopped = new Promise<void>((resolve) => void NetServer.prototype.close.call(server, () => resolve()));
  held.release();
  await stopped;
  scheduler.clearTimer(cut);
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
 * Requests that wait to be handled. The kernel resets the connections that nobody has accepted when the listening socket is closed; a client
 * that waits for its answer opens no other connection meanwhile.
 */
class HeldRequests {
  readonly #server: HttpServer;
  readonly #listeners: readonly RequestListener[];
  readonly #held: Parameters<RequestListener>[] = [];

  constructor(server: HttpServer) {
    this.#server = server;
    this.#listeners = server.rawListeners('request').filter(isListener);
    server.removeAllListeners('request');
    server.on('request', this.#hold);
  }

  release(): void {
    this.#server.off('request', this.#hold);
    for (const listener of this.#listeners) this.#server.on('request', listener);
    for (const [request, response] of this.#held) this.#server.emit('request', request, response);
  }

  readonly #hold: RequestListener = (request, response) => {
    this.#held.push([request, response]);
  };
}

function isListener(value: unknown): value is RequestListener {
  return typeof value === 'function';
}

/** Resolves right after a turn of the event loop that accepted what was there, when no connection came for a while. */
async function noConnections(scheduler: Scheduler, server: HttpServer): Promise<void> {
  const beganMs = scheduler.now();
  let lastMs = beganMs;
  const came = (): void => {
    lastMs = scheduler.now();
  };
  server.on('connection', came);
  while (scheduler.now() - lastMs < QUIET_MS && scheduler.now() - beganMs < HELD_MS) {
    await pass(scheduler, 1);
    await new Promise<void>((resolve) => scheduler.scheduleYield(resolve));
  }
  server.off('connection', came);
}

function pass(scheduler: Scheduler, ms: number): Promise<void> {
  return new Promise((resolve) => void scheduler.setTimer(ms, resolve));
}

function checkTime(name: string, ms: number): void {
  if (!(ms >= 0 && ms < 2 ** 31)) throw new ConfigError(`${name} is a number of milliseconds from 0; got ${ms}.`);
}
