import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ConfigError } from '../errors.js';
import { messageOf } from '../foreign.js';
import { dashboardHandler, type DashboardOptions, type WatchedCluster } from './handler.js';

export interface DashboardServerOptions extends DashboardOptions {
  /** Default: a free one. */
  readonly port?: number;
  /** Address to listen at. Default 127.0.0.1. Another one needs a `token`. */
  readonly host?: string;
}

/** A page that is served. */
export interface Dashboard {
  /** Where a browser opens it, with its token. */
  readonly url: string;
  /** Closes the server, and ends the streams to browsers. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1)$/;

/**
 * Serves the page on a server of its own, which keeps no process alive. Rejects with ConfigError for a wrong option, an address other than loopback without a token, and a port that is taken.
 *
 *     const page = await dashboard(runtime, { port: 7020 });
 *     console.log(page.url);
 */
export async function dashboard(cluster: WatchedCluster, options: DashboardServerOptions = {}): Promise<Dashboard> {
  const { port = 0, host = '127.0.0.1', token, hosts = [] } = options;
  if (!LOOPBACK.test(host) && token === undefined) {
    throw new ConfigError(
      `A dashboard at ${host} needs a token: others could see it. Give it \`token\`, or leave out \`host\`.`,
    );
  }
  const handler = dashboardHandler(cluster, { ...options, hosts: [...hosts, host.includes(':') ? `[${host}]` : host] });
  const server = createServer(handler).unref();
  server.on('connection', (socket) => socket.unref());
  try {
    server.listen(port, host);
    await once(server, 'listening');
    // An error of accept, such as too many open files, ends one connection.
    server.on('error', () => {});
  } catch (cause) {
    throw new ConfigError(`The dashboard cannot listen at ${host}, port ${port}: ${messageOf(cause)}.`, { cause });
  }
  const close = async (): Promise<void> => {
    handler.close();
    if (!server.listening) return;
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  };
  const { port: taken } = addressOf(server.address());
  const name = host.includes(':') ? `[${host}]` : host;
  const query = token === undefined ? '' : `?token=${token}`;
  return { url: `http://${name}:${taken}/${query}`, close, [Symbol.asyncDispose]: close };
}

function addressOf(address: AddressInfo | string | null): Pick<AddressInfo, 'port'> {
  return typeof address === 'object' && address !== null ? address : { port: 0 };
}
