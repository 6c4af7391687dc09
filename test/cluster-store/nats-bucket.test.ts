import { expect } from 'chai';
import { Deferred } from '#src/deferred.js';
import { NatsBucket } from '#src/cluster-store/nats/nats-bucket.js';
import { loadNatsPackages, type NatsPackages } from '#src/cluster-store/nats/nats-packages.js';
import { StoppedError } from '#src/errors.js';
import { RealScheduler, VirtualScheduler } from '#src/scheduler/index.js';
import { needsCommand } from '../support/pending.js';
import { rejection } from '../support/rejection.js';
import { someTurns, until } from '../support/until.js';
import { NatsServer } from './nats-server.js';

const ADDRESS = { kind: 'nats', servers: ['nats-1:4222'], bucket: 'shop', user: '', password: '' } as const;

type Connection = Awaited<ReturnType<NatsPackages['connect']>>;

describe('a bucket of NATS that is closed', () => {
  let scheduler: VirtualScheduler;
  beforeEach(() => {
    scheduler = new VirtualScheduler({ seed: 7 });
  });
  afterEach(() => scheduler.close());

  /** A bucket whose attempts to connect end as `connect` says. */
  async function bucketOf(connect: () => Promise<Connection>): Promise<NatsBucket> {
    return new NatsBucket({ ...(await loadNatsPackages()), connect }, ADDRESS, scheduler);
  }

  it('makes no further attempt to connect', async () => {
    let attempts = 0;
    const bucket = await bucketOf(() => {
      attempts += 1;
      return Promise.reject(new Error('refused'));
    });
    const call = rejection(bucket.get('k', 60_000));
    await until(() => attempts > 2);
    await bucket.close();
    const before = attempts;
    await call;
    expect(await rejection(bucket.get('k', scheduler.now() + 60_000))).to.be.instanceOf(StoppedError);
    await someTurns();
    expect(attempts).to.equal(before);
    expect(scheduler.pendingTimers).to.equal(0);
  });

  it('closes a connection that arrives late', async function () {
    needsCommand(this, 'nats-server');
    const server = await NatsServer.start();
    try {
      const packages = await loadNatsPackages();
      const [connected, arriving] = [new Deferred<Connection>(), new Deferred<void>()];
      const connect: NatsPackages['connect'] = async (options) => {
        const connection = await packages.connect(options);
        connected.resolve(connection);
        await arriving.promise;
        return connection;
      };
      const address = { ...ADDRESS, servers: [`127.0.0.1:${server.port}`] };
      const bucket = new NatsBucket({ ...packages, connect }, address, new RealScheduler());
      const call = rejection(bucket.get('k', 60_000));
      const connection = await connected.promise;
      const closing = bucket.close();
      arriving.resolve();
      await Promise.all([closing, call]);
      expect(connection.isClosed()).to.equal(true);
    } finally {
      await server.remove();
    }
  });
});
