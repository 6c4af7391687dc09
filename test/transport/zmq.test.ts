import { createServer, type Server } from 'node:net';
import { RealScheduler } from '#src/scheduler/index.js';
import type { Transport } from '#src/transport/index.js';
import { ZeroMqTransport, type ZeroMqTransportOptions } from '#src/transport/zmq/index.js';
import { describeTransport } from './compliance.js';
import type { TransportFixture } from './compliance.js';
import { portOf } from './ws/http.js';

type Options = Omit<ZeroMqTransportOptions, 'scheduler'>;

const KEY = 'a key of more than 16 bytes';

async function zeroMqFixture(options: Options): Promise<TransportFixture> {
  const scheduler = new RealScheduler();
  const transports: ZeroMqTransport[] = [];
  const silent: Server[] = [];
  const create = async (): Promise<ZeroMqTransport> => {
    const transport = new ZeroMqTransport({ scheduler, ...options });
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
      return `zmq+tcp://127.0.0.1:${portOf(server)}`;
    },
    kill: async (transport: Transport) => {
      if (transport instanceof ZeroMqTransport) await transport.abort();
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

describeTransport('zmq (ipc)', () => zeroMqFixture({ listen: 'zmq+ipc:', keyless: 'loopback' }));
describeTransport('zmq (tcp, CURVE)', () => zeroMqFixture({ listen: 'zmq+tcp://127.0.0.1:0', key: KEY }));
