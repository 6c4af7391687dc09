import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { type ClusterStore, openClusterStore } from '#src/cluster-store/index.js';
import { RealScheduler } from '#src/scheduler/index.js';
import { bytes, text } from '../../cluster-store/compliance.js';
import { NatsServer } from '../../cluster-store/nats-server.js';
import { needsCommand } from '../../support/pending.js';
import { eventually } from '../../support/until.js';

const PROGRAM = fileURLToPath(new URL('lease-process.js', import.meta.url));
const TTL_MS = 1_000;
/** So long that a test which waits for its end fails. */
const LONG_TTL_MS = 600_000;

interface Answer {
  readonly isHeld: boolean;
  readonly epoch: string;
}

describe('a cluster store of several processes', function () {
  this.timeout(180_000);
  const children: ChildProcess[] = [];
  let store: ClusterStore | undefined;
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-store-'));
  });
  afterEach(async () => {
    await store?.close();
    store = undefined;
    for (const child of children.splice(0)) await kill(child);
    rmSync(folder, { recursive: true });
  });

  function start(address: string, ...args: readonly string[]): ChildProcess {
    const child = fork(PROGRAM, [address, ...args]);
    children.push(child);
    return child;
  }

  /** It is stopped for longer than its lease, and looks at its lease before anything else when it goes on. */
  async function stopsAndGoesOn(address: string): Promise<void> {
    const holder = start(address, 'hold', 'leader', String(TTL_MS));
    const before = await answerOf(holder);
    expect(before.isHeld).to.equal(true);
    holder.kill('SIGSTOP');
    store = await openClusterStore(address, new RealScheduler());
    const lease = await store.lease('leader', bytes('test'), { ttlMs: TTL_MS });
    expect(lease.epoch > BigInt(before.epoch)).to.equal(true);
    const answer = answerOf(holder);
    holder.send('are you the leader?');
    holder.kill('SIGCONT');
    expect(await answer).to.deep.equal({ isHeld: false, epoch: before.epoch });
    expect(lease.isHeld).to.equal(true);
  }

  describe('embedded', () => {
    it('refuses what a holder of a lease does after it was stopped for longer than its time', async () => {
      await stopsAndGoesOn(`embedded:${join(folder, 'store')}`);
    });

    it('gives a lease to others at once when its holder was killed', async () => {
      const address = `embedded:${join(folder, 'store')}`;
      const holder = start(address, 'hold', 'leader', String(LONG_TTL_MS));
      const { epoch } = await answerOf(holder);
      store = await openClusterStore(address, new RealScheduler());
      const wait = store.lease('leader', bytes('test'), { ttlMs: TTL_MS });
      // The candidate looks at the lease of a living process first.
      await kill(holder);
      expect((await wait).epoch > BigInt(epoch)).to.equal(true);
    });

    it('counts every write once, and is whole, however often its writers are killed', async () => {
      const address = `embedded:${join(folder, 'store')}`;
      store = await openClusterStore(address, new RealScheduler());
      let reported = 0;
      for (let round = 0; round < 4; round += 1) {
        const writers = [start(address, 'count', 'count'), start(address, 'count', 'count')];
        const counted: number[] = [];
        for (const writer of writers) writer.on('message', (count: number) => void counted.push(count));
        const enough = 10 + 7 * round;
        await eventually(() => counted.length >= enough);
        await Promise.all(writers.map(kill));
        expect(new Set(counted).size, 'a number that two writers had').to.equal(counted.length);
        expect(Math.min(...counted)).to.be.greaterThan(reported);
        const found = Number(text(await store.get('count')));
        expect(found).to.be.at.least(Math.max(...counted));
        reported = found;
      }
    });
  });

  describe('on NATS', () => {
    let server: NatsServer | undefined;
    before(async function () {
      needsCommand(this, 'nats-server');
      server = await NatsServer.start();
    });
    after(() => server?.remove());

    it('refuses what a holder of a lease does after it was stopped for longer than its time', async () => {
      await stopsAndGoesOn(`nats://127.0.0.1:${server?.port}/stopped`);
    });

    it('gives a lease to others when its holder was killed, after its time', async () => {
      const address = `nats://127.0.0.1:${server?.port}/killed`;
      const holder = start(address, 'hold', 'leader', String(TTL_MS));
      const { epoch } = await answerOf(holder);
      await kill(holder);
      store = await openClusterStore(address, new RealScheduler());
      const lease = await store.lease('leader', bytes('test'), { ttlMs: TTL_MS });
      expect(lease.epoch > BigInt(epoch)).to.equal(true);
    });

    it('gives a lease to others at once when its holder stops in order', async () => {
      const address = `nats://127.0.0.1:${server?.port}/stops`;
      const holder = start(address, 'hold', 'leader', String(LONG_TTL_MS));
      const { epoch } = await answerOf(holder);
      store = await openClusterStore(address, new RealScheduler());
      const wait = store.lease('leader', bytes('test'), { ttlMs: TTL_MS });
      holder.send('stop');
      expect((await wait).epoch > BigInt(epoch)).to.equal(true);
    });
  });
});

async function answerOf(child: ChildProcess): Promise<Answer> {
  const [answer] = (await once(child, 'message')) as [Answer];
  return answer;
}

async function kill(child: ChildProcess): Promise<void> {
  const exit = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined;
  child.kill('SIGKILL');
  await exit;
}
