import { openClusterStore } from '#src/cluster-store/index.js';
import { needsCommand } from '../support/pending.js';
import { describeStore } from './compliance.js';
import { NatsServer } from './nats-server.js';

describe('NatsStore', () => {
  let server: NatsServer | undefined;
  let bucket = 0;

  before(async function () {
    needsCommand(this, 'nats-server');
    server = await NatsServer.start();
  });
  after(() => server?.remove());
  beforeEach(() => {
    bucket += 1;
  });

  const open: Parameters<typeof describeStore>[1]['open'] = (scheduler) =>
    openClusterStore(`nats://127.0.0.1:${server?.port}/test-${bucket}`, scheduler);

  describeStore('as every ClusterStore', { open });

  describeStore('as every ClusterStore, with a server that is killed and started again', {
    open,
    cut: async () => {
      await server?.kill();
      return once(async () => server?.restart());
    },
  });

  describeStore('as every ClusterStore, with a server that does not answer for a while', {
    open,
    cut: async () => {
      await server?.pause();
      return once(async () => server?.resume());
    },
  });
});

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => (done ??= work());
}
