import { createServer, type Server } from 'node:net';
import { RealScheduler } from '#src/scheduler/index.js';
import type { Transport } from '#src/transport/index.js';
import { NetTransport } from '#src/transport/net/index.js';
import type { StreamTransportOptions } from '#src/transport/byte-stream/index.js';
import { describeTransport } from './compliance.js';
import type { TransportFixture } from './compliance.js';
import { certificate, clusterAuthority } from './net/certificates.js';

type Options = Omit<StreamTransportOptions, 'scheduler'>;

const KEY = 'a key of more than 16 bytes';

async function netFixture(options: Options): Promise<TransportFixture> {
  const scheduler = new RealScheduler();
  const transports: NetTransport[] = [];
  const silent: Server[] = [];
  const create = async (): Promise<NetTransport> => {
    const transport = new NetTransport({ scheduler, ...options });
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
      const server = createServer((socket) => void socket.on('error', () => {}));
      silent.push(server);
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const bound = server.address();
      if (bound === null || typeof bound === 'string') throw new Error('no port');
      return `${options.listen?.startsWith('tls') === true ? 'tls' : 'tcp'}://127.0.0.1:${bound.port}`;
    },
    kill: async (transport: Transport) => {
      if (transport instanceof NetTransport) await transport.abort();
    },
    leftovers: () => {
      const left = { links: 0, handshakes: 0, dials: 0, buffers: 0, pendingTimers: scheduler.pendingTimers };
      for (const { statistics } of transports) {
        for (const name of ['links', 'handshakes', 'dials', 'buffers'] as const) left[name] += statistics[name];
      }
      return left;
    },
    close: async () => {
      for (const server of silent) server.close();
    },
  };
}

describeTransport('net (Unix socket)', () => netFixture({ listen: 'unix:', keyless: 'loopback' }));
describeTransport('net (TCP, cluster key)', () => netFixture({ listen: 'tcp://127.0.0.1:0', key: KEY }));
describeTransport('net (TLS)', async () => {
  const ca = await clusterAuthority();
  return netFixture({ listen: 'tls://127.0.0.1:0', tls: { ...(await certificate(ca)), ca: ca.cert } });
});
