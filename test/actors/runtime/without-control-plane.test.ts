import { expect } from 'chai';
import type { Runtime } from '#src/actors/runtime/index.js';
import { behavior } from '#src/actors/kernel/index.js';
import { UnreachableError } from '#src/errors.js';
import { v1 } from '#src/protocol/index.js';
import { rejection } from '../../support/rejection.js';
import { Errands } from '../transport/errands.js';
import { errands } from '../transport/partitions.js';
import { adder } from './placing/components.js';
import { closeAfterEach, Cluster, describePlacements, until } from './harness.js';

const WHO = 'who';

/** A control plane, a process that asks, and one whose actor is asked. */
async function setUp(cluster: Cluster) {
  const control = await cluster.start({ node: 'node-0', name: 'process-0', placement: 'inline' });
  const asker = await cluster.start();
  const member = await cluster.start();
  member.spawn(behavior(v1.PartitionRuntime, { describe: () => ({ ordinal: 7 }) }), { name: WHO, register: true });
  const ref = await asker.lookup(v1.PartitionRuntime, WHO);
  return { control, asker, member, ref };
}

async function endControlPlane(cluster: Cluster, others: readonly Runtime[]): Promise<void> {
  cluster.executor.crash('node-0');
  await until(() => others.every(({ isConnected }) => !isConnected));
}

async function serveAgain(cluster: Cluster): Promise<void> {
  cluster.executor.restart('node-0');
  cluster.started[0] = await cluster.executor.start({ node: 'node-0', name: 'process-0', placement: 'inline' });
}

describePlacements('references while the control plane is gone', (newCluster) => {
  it('to another partition of the same process need no link of before', async () => {
    const cluster = newCluster();
    await cluster.start({ node: 'node-0', name: 'process-0', placement: 'inline' });
    const runtime = await cluster.start({ system: { partitions: 2 } });
    const [, second = 0] = runtime.ordinals;
    await endControlPlane(cluster, [runtime]);
    const ref = await runtime.place(adder, { on: { partition: second }, args: { start: 5 } });
    expect(await ref.run({ value: 2 })).to.include({ value: 7 });
    expect(runtime.isConnected).to.equal(false);
  });

  it('to a process that has ended fail at once, for good', async () => {
    const cluster = newCluster();
    const { asker, member, ref } = await setUp(cluster);
    await ref.describe({});
    await endControlPlane(cluster, [asker, member]);
    expect(await ref.describe({})).to.include({ ordinal: 7 });
    cluster.executor.crash(member.node);
    const fromMs = cluster.executor.scheduler.now();
    // The first may learn that the link has ended.
    await rejection(ref.describe({}));
    for (let index = 0; index < 3; index += 1) {
      const error = await rejection(ref.describe({}));
      expect(error).to.be.instanceOf(UnreachableError);
      expect(String(error)).to.include('has ended');
    }
    cluster.expectPassed(cluster.executor.scheduler.now() - fromMs, 0, 100);
  });

  it('to a process that has linked to this one need no control plane, and fail at once when it has ended', async () => {
    const cluster = newCluster();
    const { asker, member } = await setUp(cluster);
    asker.spawn(behavior(v1.PartitionRuntime, { describe: () => ({ ordinal: 1 }) }), { name: 'asked', register: true });
    const back = await member.lookup(v1.PartitionRuntime, 'asked');
    const ref = await asker.lookup(v1.PartitionRuntime, WHO);
    await back.describe({});
    await endControlPlane(cluster, [asker, member]);
    expect(await ref.describe({})).to.include({ ordinal: 7 });
    cluster.executor.crash(member.node);
    await rejection(ref.describe({}));
    const error = await rejection(ref.describe({}));
    expect(error).to.be.instanceOf(UnreachableError);
    expect(String(error)).to.include('has ended');
  });

  it('to a process that was never linked wait for it, and fail at the deadline of the call as unreachable', async () => {
    const cluster = newCluster();
    const { asker, member, ref } = await setUp(cluster);
    await endControlPlane(cluster, [asker, member]);
    const fromMs = cluster.executor.scheduler.now();
    const error = await rejection(ref.describe({}, { timeoutMs: 200 }));
    expect(error).to.be.instanceOf(UnreachableError);
    expect(String(error)).to.include('control plane');
    cluster.expectPassed(cluster.executor.scheduler.now() - fromMs, 190, 210);
    const waiting = ref.describe({}, { timeoutMs: 20_000 });
    await serveAgain(cluster);
    expect(await waiting).to.include({ ordinal: 7 });
  });
});

describePlacements('ready() of a reference while the control plane is gone', (newCluster) => {
  it('resolves when there is a link, also where it is opened for that, and fails at once when its process has ended', async () => {
    const cluster = newCluster();
    const { asker, member, ref } = await setUp(cluster);
    await ref.describe({});
    await endControlPlane(cluster, [asker, member]);
    await ref.ready({ timeoutMs: 30_000 });
    cluster.executor.crash(member.node);
    // The first may learn that the link has ended.
    await rejection(ref.describe({}));
    for (let index = 0; index < 3; index += 1) {
      const error = await rejection(ref.ready());
      expect(error).to.be.instanceOf(UnreachableError);
      expect(String(error)).to.include('has ended');
    }
  });

  it('waits where its process was never met, and says at its deadline why: then it resolves as soon as there is a link', async () => {
    const cluster = newCluster();
    const { asker, member, ref } = await setUp(cluster);
    await endControlPlane(cluster, [asker, member]);
    const fromMs = cluster.executor.scheduler.now();
    const error = await rejection(ref.ready({ timeoutMs: 200 }));
    expect(error).to.be.instanceOf(UnreachableError);
    expect(String(error)).to.include('control plane').and.to.include('partition');
    cluster.expectPassed(cluster.executor.scheduler.now() - fromMs, 190, 210);
    const waiting = ref.ready({ timeoutMs: 20_000 });
    await serveAgain(cluster);
    await waiting;
    expect(await ref.describe({})).to.include({ ordinal: 7 });
  });
});

describe('a link that is lost while the control plane is gone', () => {
  closeAfterEach();

  it('is followed by another one, on virtual time: only there a network can be cut and healed', async () => {
    const cluster = new Cluster();
    const { asker, member, ref } = await setUp(cluster);
    await ref.describe({});
    await endControlPlane(cluster, [asker, member]);
    cluster.executor.network.partition([asker.node], [member.node]);
    expect(await rejection(ref.describe({}, { timeoutMs: 60_000 }))).to.be.instanceOf(UnreachableError);
    cluster.executor.network.heal();
    await ref.ready();
    expect(await ref.describe({})).to.include({ ordinal: 7 });
    expect(asker.isConnected).to.equal(false);
  });
});

describe('a name that is registered with a spawn while the control plane is gone', () => {
  closeAfterEach();

  it('is registered when that is back, however late, and a problem until then', async () => {
    const cluster = new Cluster();
    const { asker, member } = await setUp(cluster);
    await endControlPlane(cluster, [asker, member]);
    const ref = member.spawn(errands(), { name: 'late', register: true });
    expect(await rejection(member.whenRegistered(ref))).to.be.instanceOf(UnreachableError);
    await cluster.pass(60_000);
    expect(member.health().problems.join()).to.include('"late" is not registered');
    await serveAgain(cluster);
    const found = await asker.lookup(Errands, 'late', { timeoutMs: 60_000 });
    expect(found.toRef()).to.deep.equal(ref.toRef());
    await member.whenRegistered(ref);
    await until(() => member.health().isReady);
  });

  it('is asked for no more when its actor has ended', async () => {
    const cluster = new Cluster();
    const { asker, member } = await setUp(cluster);
    await endControlPlane(cluster, [asker, member]);
    const ref = member.spawn(errands(), { name: 'late', register: true });
    await rejection(member.whenRegistered(ref));
    await member.stopActor(ref);
    await serveAgain(cluster);
    const error = await rejection(asker.lookup(Errands, 'late', { timeoutMs: 60_000 }));
    expect(error).to.include({ code: 'ASK_TIMEOUT' });
    expect(member.health().problems).to.deep.equal([]);
  });
});

describePlacements('tells while the control plane is gone', (newCluster) => {
  it('to a process that was never linked are dead letters when no link was opened in time', async () => {
    const cluster = newCluster();
    const { asker, member } = await setUp(cluster);
    member.spawn(errands(), { name: 'sink', register: true });
    const ref = await asker.lookup(Errands, 'sink');
    await endControlPlane(cluster, [asker, member]);
    const { deadLetters } = asker;
    const before = deadLetters.count;
    expect(ref.push({})).to.equal(true);
    await until(() => deadLetters.count === before + 1);
    expect(ref.push({})).to.equal(false);
    expect(deadLetters.count).to.equal(before + 2);
  });
});
