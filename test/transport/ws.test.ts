import { createServer, type Server as HttpServer } from 'node:http';
import { createServer as createTcpServer, type Server } from 'node:net';
import { RealScheduler } from '#src/scheduler/index.js';
import type { Transport } from '#src/transport/index.js';
import { WebSocketTransport, type WebSocketTransportOptions } from '#src/transport/ws/index.js';
import { describeTransport } from './compliance.js';
import type { TransportFixture } from './compliance.js';
import { certificate, clusterAuthority } from './net/certificates.js';
import { portOf } from './ws/http.js';

type Options = Omit<WebSocketTransportOptions, 'scheduler'>;

const KEY = 'a key of more than 16 bytes';

/** `servers`: makes an HTTP server for each transport. */
async function webSocketFixture(options: Options, servers?: () => Promise<HttpServer>): Promise<TransportFixture> {
  const scheduler = new RealScheduler();
  const transports: WebSocketTransport[] = [];
  const others: Server[] = [];
  const create = async (): Promise<WebSocketTransport> => {
    const server = await servers?.();
    if (server !== undefined) others.push(server);
    const listen = server === undefined ? undefined : `ws://127.0.0.1:${portOf(server)}/links`;
    const transport = new WebSocketTransport({ scheduler, ...options, ...(listen && { listen, server }) });
    transports.push(transport);
    return transport;
  };
  return {
    scheduler,
    isPoisoning: false,
    create,
    refusedAddress: async () => {
      const gone = await create();
      const address = await gone.listen(() => {});
      await gone.close();
      return address;
    },
    silentAddress: async () => {
      const server = createTcpServer((socket) => void socket.on('error', () => {}));
      others.push(server);
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return `${options.listen?.startsWith('wss') === true ? 'wss' : 'ws'}://127.0.0.1:${portOf(server)}/links`;
    },
    kill: async (transport: Transport) => {
      if (transport instanceof WebSocketTransport) await transport.abort();
    },
    leftovers: () => {
      const left = { links: 0, handshakes: 0, dials: 0, buffers: 0, pendingTimers: scheduler.pendingTimers };
      for (const { statistics } of transports) {
        for (const name of ['links', 'handshakes', 'dials', 'buffers'] as const) left[name] += statistics[name];
      }
      return left;
    },
    close: async () => {
      for (const server of others) server.close();
    },
  };
}

async function httpServer(): Promise<HttpServer> {
  const server = createServer((_request, response) => void response.end('a page'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

describeTransport('ws (beside an HTTP server)', () => webSocketFixture({ key: KEY }, httpServer));
describeTransport('wss', async () => {
  const ca = await clusterAuthority();
  return webSocketFixture({ listen: 'wss://127.0.0.1:0/', tls: { ...(await certificate(ca)), ca: ca.cert } });
});
