import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mkdtemp, rm } from 'node:fs/promises';
import { RealScheduler } from '#src/scheduler/index.js';
import { UcxTransport, type UcxTransportOptions } from '#src/transport/ucx/index.js';
import { describeTransport, type TransportFixture } from './compliance.js';
import { describeWithUcx } from './ucx/available.js';

type Variant = Pick<UcxTransportOptions, 'fabric' | 'interfaces' | 'listen' | 'keyless' | 'key'>;

async function fixture(variant: Variant): Promise<TransportFixture> {
  const scheduler = new RealScheduler();
  const folder = await mkdtemp(join(tmpdir(), 'millrace-test-'));
  const transports = new Map<unknown, UcxTransport>();
  const silent: Server[] = [];
  return {
    scheduler,
    isPoisoning: false,
    create: async () => {
      const transport = new UcxTransport({ scheduler, socketFolder: folder, ...variant });
      transports.set(transport, transport);
      return transport;
    },
    refusedAddress: async () => `ucx+unix:${join(folder, 'nobody')}`,
    silentAddress: async () => {
      const path = join(folder, `silent-${silent.length}`);
      const server = createServer();
      silent.push(server);
      await new Promise<void>((resolve) => server.listen(path, resolve));
      return `ucx+unix:${path}`;
    },
    kill: async (transport) => transports.get(transport)?.abort(),
    leftovers: () => {
      const counts = { links: 0, handshakes: 0, dials: 0, pendingTimers: scheduler.pendingTimers };
      for (const { statistics } of transports.values()) {
        counts.links += statistics.links;
        counts.handshakes += statistics.handshakes;
        counts.dials += statistics.dials;
      }
      return counts;
    },
    close: async () => {
      for (const server of silent) server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const KEY = 'a secret of all processes of this cluster';

describeWithUcx('over UCX', () => {
  describeTransport('ucx (shared memory)', () => fixture({}));
  describeTransport('ucx (tcp on loopback)', () =>
    fixture({ fabric: 'tcp', interfaces: ['lo'], listen: 'tcp://127.0.0.1:0', key: KEY }),
  );
});
