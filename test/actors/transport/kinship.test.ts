import { expect } from 'chai';
import { ActorSystem } from '#src/actors/kernel/index.js';
import { Kinship, newProcessKey, Router } from '#src/actors/transport/index.js';
import { CUidAllocator } from '#src/ids/index.js';
import { silentLogger } from '#src/logging/index.js';
import { RealScheduler } from '#src/scheduler/index.js';
import { NetTransport } from '#src/transport/net/index.js';
import { millraceRejection } from '../../support/rejection.js';
import { until } from '../../support/until.js';
import { Errands } from './errands.js';
import { errands } from './partitions.js';

const INCARNATION = 77n;
const ended: (() => Promise<void>)[] = [];

/** A partition with real sockets, which says that it is one of the process `INCARNATION`, and has a key for that. */
async function partition(ordinal: number, key: Uint8Array) {
  const scheduler = new RealScheduler();
  const cUids = new CUidAllocator(ordinal);
  const name = `partition-${ordinal}`;
  const system = new ActorSystem({
    name,
    scheduler,
    logger: silentLogger,
    cUids: () => cUids.next(),
    incarnation: INCARNATION,
  });
  const transport = new NetTransport({ scheduler, listen: 'tcp://127.0.0.1:0', keyless: 'loopback' });
  const router = new Router({ system, scheduler, transport, log: silentLogger, kinship: new Kinship(() => key) });
  const address = await router.listen();
  router.join(ordinal, async () => undefined);
  ended.push(async () => {
    await system.shutdown();
    await router.close();
  });
  const kin = (): boolean[] => [...router.channels()].map(({ kinship }) => kinship.isProven);
  return { system, router, address, kin };
}

type Partition = Awaited<ReturnType<typeof partition>>;

function refTo(from: Partition, to: Partition) {
  const worker = to.system.spawn(errands({ push: () => {}, urge: () => {} }));
  return from.system.referenceTo(Errands, from.router.routeTo(to.address, worker.toRef().cUid));
}

describe('two partitions that say that they are of one process, over sockets', () => {
  afterEach(async () => {
    for (const end of ended.splice(0)) await end();
  });

  it('know one another by the key of the process, at both ends of each link, also of one after a cut', async () => {
    const key = newProcessKey();
    const [first, beside] = [await partition(1, key), await partition(2, key)];
    const ref = refTo(beside, first);
    for (let link = 0; link < 2; link++) {
      expect(await ref.run({ value: link })).to.include({ value: link });
      expect(first.kin()).to.deep.equal([true]);
      expect(beside.kin()).to.deep.equal([true]);
      first.router.disconnect(beside.address);
      await until('the link to have ended', () => beside.kin().length === 0 && first.kin().length === 0);
    }
  });

  it('have no link where one of them does not have the key, and says so', async () => {
    const [first, forger] = [await partition(1, newProcessKey()), await partition(2, newProcessKey())];
    const error = await millraceRejection(refTo(forger, first).run({ value: 1 }, { timeoutMs: 5_000 }));
    expect(error.message).to.include('cannot prove that');
    expect(first.kin()).to.deep.equal([]);
  });

  it('do not believe the one that was dialed either, which is nobody for the actors of the other', async () => {
    const key = newProcessKey();
    const [first, beside] = [await partition(1, key), await partition(2, newProcessKey())];
    await millraceRejection(refTo(first, beside).run({ value: 1 }, { timeoutMs: 2_000 }));
    expect(first.kin().includes(true)).to.equal(false);
  });
});
