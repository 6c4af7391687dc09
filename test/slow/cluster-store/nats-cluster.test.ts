import { expect } from 'chai';
import { type ClusterStore, openClusterStore, type StoreLease } from '#src/cluster-store/index.js';
import { RealScheduler, type Scheduler } from '#src/scheduler/index.js';
import { bytes, collect, describeStore, text } from '../../cluster-store/compliance.js';
import { NatsServer } from '../../cluster-store/nats-server.js';
import { upTo } from '../../support/numbers.js';
import { needsCommand } from '../../support/pending.js';
import { eventually } from '../../support/until.js';
import { bucketServers } from './bucket-leader.js';

/** Time for one answer, in ms. */
const ANSWER_MS = 1_500;
/** Buckets for the tests of `describeStore`. */
const TESTS = 20;
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

  function addressOf(number: number): string {
    return `nats://${servers.map(({ port }) => `127.0.0.1:${port}`).join(',')}/cluster-${number}`;
  }

  /** A store whose bucket is there: with a server that was killed, that takes as long as the election of a leader. */
  async function open(scheduler: Scheduler = new RealScheduler()): Promise<ClusterStore> {
    await answers(bucket);
    return openClusterStore(addressOf(bucket), scheduler);
  }

  /** Resolves when the servers have elected who leads the bucket. */
  async function answers(number: number): Promise<void> {
    await eventually(async () => {
      // A new client each time: a request to a leader that was killed is answered by nobody, and others would wait for it.
      const store = await openClusterStore(addressOf(number), new RealScheduler());
      const hasAnswered = await store.get('a', { timeoutMs: ANSWER_MS }).then(
        () => true,
        () => false,
      );
      await store.close();
      return hasAnswered;
    }, ELECTION_MS);
  }

  for (const role of ['leads', 'follows'] as const) {
    it(`keeps values, a lease and a watch when the server that ${role} is killed, and when it is back`, async () => {
      const [store, other] = [await open(), await open()];
      const watching = new AbortController();
      const shown: (string | undefined)[] = [];
      const watched = collect(store.watch('value', { signal: watching.signal }), shown);
      const { leader, followers } = await bucketServers(servers, `cluster-${bucket}`);
      const victim = role === 'leads' ? leader : followers[0];
      if (victim === undefined) throw new Error('There is no server to kill.');
      let isKilled = false;
      let lease: StoreLease | undefined;
      try {
        lease = await store.lease('leader', bytes('first'), { ttlMs: TTL_MS });
        const first = await setAgain(other, 'value', 'one', undefined);
        isKilled = true;
        await victim.kill();
        const second = await setAgain(other, 'value', 'two', first);
        await eventually(() => shown.at(-1) === 'two', ELECTION_MS);
        isKilled = false;
        await victim.restart();
        await setAgain(other, 'value', 'three', second);
        await eventually(() => shown.at(-1) === 'three', ELECTION_MS);
        expect(text(await other.get('value'))).to.equal('three');
        expect(lease.isHeld).to.equal(true);
      } finally {
        if (isKilled) await victim.restart();
        watching.abort();
        await watched;
        await lease?.release();
        await Promise.all([store.close(), other.close()]);
      }
    });
  }

  describe('of which one was killed, while another is killed and started again', () => {
    before(async () => {
      // The buckets of the tests are there before, so that all of them elect a leader at the same time, and not each in its test.
      const numbers = upTo(TESTS).map((index) => bucket + 1 + index);
      await Promise.all(numbers.slice(0, -1).map(answers));
      await servers[1]?.kill();
      await Promise.all(numbers.map(answers));
    });
    after(() => servers[1]?.restart());

    describeStore('as every ClusterStore', {
      open,
      cut: async () => {
        await servers[2]?.kill();
        let back: Promise<void> | undefined;
        return () => (back ??= (servers[2]?.restart() ?? Promise.resolve()).then(() => answers(bucket)));
      },
    });
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
    const set = await store.compareAndSet(key, bytes(value), revision, { timeoutMs: ANSWER_MS }).catch(() => undefined);
    const entry = set?.isSet === false ? set.entry : undefined;
    if (set?.isSet === true) written = set.revision;
    else if (text(entry) === value) written = entry?.revision;
    return written !== undefined;
  }, ELECTION_MS);
  return written ?? 0;
}
