import { expect } from 'chai';
import { type ClusterStore, openClusterStore, type StoreLease } from '#src/cluster-store/index.js';
import { RealScheduler, type Scheduler } from '#src/scheduler/index.js';
import { bytes, collect, describeStore, text } from '../../cluster-store/compliance.js';
import { NatsServer } from '../../cluster-store/nats-server.js';
import { needsCommand } from '../../support/pending.js';
import { eventually } from '../../support/until.js';

/** Servers that compete for the processor with others take several attempts to elect a leader. */
const ELECTION_MS = 60_000;
/** Longer than an election, so that the lease can be renewed after it. */
const TTL_MS = 2 * ELECTION_MS;

describe('NatsStore on three servers', function () {
  this.timeout(3 * ELECTION_MS);
  let servers: readonly NatsServer[] = [];
  let bucket = 0;

  before(async function () {
    needsCommand(this, 'nats-server');
    servers = await NatsServer.startCluster(3);
  });
  after(() => Promise.all(servers.map((server) => server.remove())));
  beforeEach(() => {
    bucket += 1;
  });

  /** A store whose bucket is there: with a server that was killed, that takes as long as the election of a leader. */
  async function open(scheduler: Scheduler = new RealScheduler()): Promise<ClusterStore> {
    const hosts = servers.map(({ port }) => `127.0.0.1:${port}`).join(',');
    const address = `nats://${hosts}/cluster-${bucket}`;
    await answers(address);
    return openClusterStore(address, scheduler);
  }

  /** The servers have elected who leads the bucket. */
  async function answers(address: string): Promise<void> {
    const store = await openClusterStore(address, new RealScheduler());
    const hasAnswered = (): Promise<boolean> =>
      store.get('a').then(
        () => true,
        () => false,
      );
    try {
      await eventually(hasAnswered, ELECTION_MS);
    } finally {
      await store.close();
    }
  }

  async function restart(these: readonly NatsServer[]): Promise<void> {
    await Promise.all(these.map((server) => server.restart()));
  }

  // Each of them in turn, so that the leader of the bucket is one of them.
  for (const victim of [0, 1, 2]) {
    it(`keeps values, a lease and a watch when server ${victim} is killed, and when it is back`, async () => {
      const [store, other] = [await open(), await open()];
      const watching = new AbortController();
      const shown: (string | undefined)[] = [];
      const watched = collect(store.watch('value', { signal: watching.signal }), shown);
      const killed: NatsServer[] = [];
      let lease: StoreLease | undefined;
      try {
        lease = await store.lease('leader', bytes('first'), { ttlMs: TTL_MS });
        const first = await setAgain(other, 'value', 'one', undefined);
        killed.push(...servers.slice(victim, victim + 1));
        for (const server of killed) await server.kill();
        const second = await setAgain(other, 'value', 'two', first);
        await eventually(() => shown.at(-1) === 'two', ELECTION_MS);
        await restart(killed.splice(0));
        await setAgain(other, 'value', 'three', second);
        await eventually(() => shown.at(-1) === 'three', ELECTION_MS);
        expect(text(await other.get('value'))).to.equal('three');
        expect(lease.isHeld).to.equal(true);
      } finally {
        await restart(killed.splice(0));
        watching.abort();
        await watched;
        await lease?.release();
        await Promise.all([store.close(), other.close()]);
      }
    });
  }

  describe('of which one was killed', () => {
    let victim: readonly NatsServer[] = [];
    before(async () => {
      victim = servers.slice(1, 2);
      for (const server of victim) await server.kill();
    });
    after(() => restart(victim));

    describeStore('as every ClusterStore', { open });
  });

  describeStore('as every ClusterStore, with two servers that are killed and started again', {
    open,
    cut: async () => {
      const two = servers.slice(1);
      await Promise.all(two.map((server) => server.kill()));
      let back: Promise<void> | undefined;
      return () => (back ??= restart(two).then(async () => (await open()).close()));
    },
  });
});

/** Sets the value, and returns its revision. While the servers elect a leader, a write may end without an answer, and have been carried out. */
async function setAgain(
  store: ClusterStore,
  key: string,
  value: string,
  revision: number | undefined,
): Promise<number> {
  let written: number | undefined;
  await eventually(async () => {
    const set = await store.compareAndSet(key, bytes(value), revision, { timeoutMs: 5_000 }).catch(() => undefined);
    const entry = set?.isSet === false ? set.entry : undefined;
    if (set?.isSet === true) written = set.revision;
    else if (text(entry) === value) written = entry?.revision;
    return written !== undefined;
  }, ELECTION_MS);
  return written ?? 0;
}
