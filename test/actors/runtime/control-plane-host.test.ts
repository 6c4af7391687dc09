import { expect } from 'chai';
import {
  type ClusterStore,
  ConfigError,
  Executor,
  MemoryStore,
  MemoryStoreContent,
  openClusterStore,
  type Runtime,
} from '#src/index.js';
import { ROLL_KEY } from '#src/actors/control-plane/index.js';
import { decodeRoll } from '#src/actors/control-plane/member-roll.js';
import { limits } from '#src/limits.js';
import { Errands } from '../transport/errands.js';
import { errands } from '../transport/partitions.js';
import { rejection } from '../../support/rejection.js';

const LEASE_MS = 1_000;

describe('runtimes with a cluster store', () => {
  let executor: Executor;
  let content: MemoryStoreContent;

  beforeEach(() => {
    executor = new Executor({ seed: 11, latencyMs: 1 });
    content = new MemoryStoreContent();
  });
  afterEach(() => executor.stop());

  const start = (node: string, clusterRole: 'candidate' | 'member' = 'candidate') =>
    executor.start({
      node,
      clusterRole,
      leaseMs: LEASE_MS,
      linkDeadMs: 500,
      clusterStore: new MemoryStore(content, executor.scheduler),
    });

  it('find the one that serves the control plane in the store', async () => {
    const first = await start('node-0');
    const second = await start('node-1');
    const third = await start('node-2', 'member');
    expect([first, second, third].map((runtime) => runtime.health().controlPlane.isServedHere)).to.deep.equal([
      true,
      false,
      false,
    ]);
    expect(second.controlPlane).to.equal(first.controlPlane);
    second.spawn(errands(), { name: 'second', register: true });
    expect((await (await third.lookup(Errands, 'second')).run({ value: 21 })).value).to.be.a('number');
  });

  it('refuse to begin with an address and a store', async () => {
    const error = await rejection(
      executor.start({ controlPlane: 'memory:elsewhere', clusterStore: new MemoryStore(content, executor.scheduler) }),
    );
    expect(error).to.be.instanceOf(ConfigError);
  });

  it('serve through a store of the user, which is a few methods, and close it', async () => {
    let closed = 0;
    const inner = new MemoryStore(content, executor.scheduler);
    const store: ClusterStore = {
      address: 'own:',
      get: (key, call) => inner.get(key, call),
      compareAndSet: (key, value, revision, call) => inner.compareAndSet(key, value, revision, call),
      lease: (key, holder, options) => inner.lease(key, holder, options),
      watch: (key, options) => inner.watch(key, options),
      close: () => inner.close().then(() => void closed++),
      abandon: () => inner.abandon(),
      [Symbol.asyncDispose]: () => inner.close(),
    };
    const runtime = await executor.start({ node: 'node-0', leaseMs: LEASE_MS, clusterStore: store });
    expect(runtime.health().controlPlane.isServedHere).to.equal(true);
    await runtime.stop();
    expect(closed).to.equal(1);
  });

  it('need a store in memory on virtual time', async () => {
    const error = await rejection(openClusterStore('embedded:/nowhere/cluster', executor.scheduler));
    expect(String(error)).to.match(/ConfigError: .*virtual time, use a MemoryStore/);
  });

  for (const [how, end] of [
    ['crashes', (node: string) => Promise.resolve(executor.crash(node))],
    ['stops', async (node: string) => void (await executor.runtimes.find((runtime) => runtime.node === node)?.stop())],
  ] as const) {
    it(`go on with another when the one that serves ${how}: names are there, and calls among them never fail`, async () => {
      const first = await start('node-0');
      const second = await start('node-1');
      const third = await start('node-2', 'member');
      second.spawn(errands(), { name: 'second', register: true });
      const ref = await third.lookup(Errands, 'second');
      const { pUid } = third;
      await end('node-0');
      const before = executor.scheduler.now();
      for (let call = 0; call < 20; call += 1) await ref.run({ value: call });
      expect((await (await third.lookup(Errands, 'second', { timeoutMs: 10_000 })).run({ value: 1 })).value).to.be.a(
        'number',
      );
      expect(executor.scheduler.now() - before).to.be.lessThan(LEASE_MS + 5_000);
      expect(second.health().controlPlane.isServedHere).to.equal(true);
      expect(third.controlPlane).to.equal(second.controlPlane).and.not.equal(first.controlPlane);
      expect(third.pUid).to.equal(pUid);
      const fourth = await start('node-3');
      expect((await (await fourth.lookup(Errands, 'second')).run({ value: 1 })).value).to.be.a('number');
      expect(fourth.pUid).to.not.equal(first.pUid);
    });
  }

  /** Time until a name can be registered, which waits for the end of the recovery. */
  async function registersAfter(crash: () => void, from: Runtime): Promise<number> {
    const ref = from.spawn(errands());
    const crashedAtMs = executor.scheduler.now();
    crash();
    await from.register('new', ref, { timeoutMs: 30_000 });
    return executor.scheduler.now() - crashedAtMs;
  }

  it('serve as soon as all members have announced themselves, where the last one has ended', async () => {
    await start('node-0');
    await start('node-1');
    const third = await start('node-2', 'member');
    const tookMs = await registersAfter(() => executor.crash('node-0'), third);
    expect(tookMs).to.be.lessThan(LEASE_MS + limits.recoveryMs / 2);
  });

  it('are waited for by a registration and a search for a group for as long as these say', async () => {
    await start('node-0');
    const member = await start('node-1', 'member');
    const ref = member.spawn(errands());
    const heal = executor.network.partition(['node-1'], ['node-0']);
    executor.scheduler.setTimer(3 * limits.controlPlaneTimeoutMs, heal);
    const bounds = { timeoutMs: 6 * limits.controlPlaneTimeoutMs };
    const [registered, group] = [member.register('late', ref, bounds), member.group(Errands, 'none', bounds)];
    const briefly = member.register('briefly', ref, { timeoutMs: limits.controlPlaneTimeoutMs });
    expect(await rejection(briefly))
      .to.have.property('code')
      .that.is.oneOf(['UNREACHABLE', 'ASK_TIMEOUT']);
    await registered;
    (await group)[Symbol.dispose]();
    expect(member.health().controlPlane.isReachable).to.equal(true);
  });

  it('wait for a member that may live, so that nobody else gets its names', async () => {
    await start('node-0');
    const second = await start('node-1');
    const third = await start('node-2', 'member');
    await third.register('kept', third.spawn(errands()));
    executor.crash('node-0');
    const heal = executor.network.partition(['node-2'], ['node-1']);
    const rival = rejection(second.register('kept', second.spawn(errands()), { timeoutMs: 30_000 }));
    executor.scheduler.setTimer(LEASE_MS + limits.recoveryMs / 2, heal);
    expect(await rival).to.be.instanceOf(ConfigError);
    expect((await (await second.lookup(Errands, 'kept')).run({ value: 1 })).value).to.be.a('number');
  });

  it('wait for the whole time where the store does not have the members', async () => {
    await start('node-0');
    await start('node-1');
    const third = await start('node-2', 'member');
    const entry = content.get(ROLL_KEY);
    expect(decodeRoll(entry?.value ?? new Uint8Array(0), 'the store')).to.have.length(3);
    content.compareAndSet(ROLL_KEY, new TextEncoder().encode('{"members":2}'), entry?.revision);
    const tookMs = await registersAfter(() => executor.crash('node-0'), third);
    expect(tookMs).to.be.within(limits.recoveryMs, LEASE_MS + limits.recoveryMs + 1_000);
    expect(decodeRoll(content.get(ROLL_KEY)?.value ?? new Uint8Array(0), 'the store')).to.have.length(2);
  });
});
