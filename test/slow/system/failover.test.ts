import { expect } from 'chai';
import { NatsServer } from '../../cluster-store/nats-server.js';
import { needsCommand } from '../../support/pending.js';
import { Fleet } from '../../system/failover/fleet.js';
import { busyLeader, pauseLeader } from '../../system/failover/paused-leader.js';
import { expectSound, runRounds, summaryOf } from '../../system/failover/rounds.js';
import { bucketServers } from '../cluster-store/bucket-leader.js';

/** Of both stores together. `ROUNDS=200` looks longer, and `SEED` repeats the choices of a run. */
const ROUNDS = Number(process.env['ROUNDS'] ?? 2);
const SEED = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
const EACH = Math.ceil(ROUNDS / 2);
const ROUND_MS = 240_000;
const COMPUTES = 5;
/** Longer than the lease in either store. */
const LONG_MS = 6_000;

interface Store {
  readonly title: string;
  readonly address: () => string;
}

describe('four processes under load', () => {
  let server: NatsServer | undefined;
  let bucket = 0;
  const stores: readonly Store[] = [
    { title: 'a file', address: () => 'embedded' },
    { title: 'NATS', address: () => `nats://127.0.0.1:${server?.port}/rounds-${++bucket}` },
  ];

  before(async function () {
    needsCommand(this, 'nats-server');
    server = await NatsServer.start();
  });
  after(() => server?.remove());

  for (const { title, address } of stores) {
    describe(`with the store in ${title}`, () => {
      it(`go on when one of them is killed, ${EACH} times`, async function () {
        this.timeout(EACH * ROUND_MS);
        const rounds = await runRounds({ store: address(), rounds: EACH, seed: SEED });
        console.log(`        SEED=${SEED}; ${summaryOf(rounds)}`);
        expectSound(rounds);
      });

      it('have another leader when theirs is stopped for longer than its lease, which never serves with it again', async function () {
        this.timeout(2 * ROUND_MS);
        const { faults, takenByKilled } = await pauseLeader(address());
        expect(faults).to.deep.equal([]);
        expect(takenByKilled).to.equal(0);
      });

      it('keep their leader where it computes for a second, and others beside it', async function () {
        this.timeout(2 * ROUND_MS);
        const { audit, lost } = await busyLeader(address(), 1_000, COMPUTES);
        expect(audit.faults).to.deep.equal([]);
        expect(lost).to.equal(0);
      });

      it('have another leader where theirs computes for longer than its lease, and never serve with a lease that has ended', async function () {
        this.timeout(2 * ROUND_MS);
        const { audit, lost } = await busyLeader(address(), LONG_MS, 1);
        expect(audit.faults).to.deep.equal([]);
        expect(lost).to.equal(1);
      });
    });
  }
});

describe('four processes under load with their store on three NATS servers', function () {
  this.timeout(4 * ROUND_MS);
  let servers: readonly NatsServer[] = [];

  before(async function () {
    needsCommand(this, 'nats-server');
    servers = await NatsServer.startCluster(3);
  });
  after(() => Promise.all(servers.map((server) => server.remove())));

  it('have a control plane again when the server that leads the bucket is killed, and lose nothing', async () => {
    const hosts = servers.map(({ port }) => `127.0.0.1:${port}`).join(',');
    const fleet = new Fleet(`nats://${hosts}/fleet`);
    try {
      await fleet.start();
      const { leader } = await bucketServers(servers, 'fleet');
      await leader.kill();
      await Promise.all(fleet.nodes.map((node) => fleet.probe(node)));
      await leader.restart();
      await Promise.all(fleet.nodes.map((node) => fleet.joined(node)));
      const { faults, takenByKilled } = await fleet.finish();
      expect(faults).to.deep.equal([]);
      expect(takenByKilled).to.equal(0);
      await fleet.stop();
    } finally {
      await fleet.close();
    }
  });
});
