import { expect } from 'chai';
import type { Runtime } from '#src/actors/runtime/index.js';
import { behavior } from '#src/actors/kernel/index.js';
import { UnreachableError } from '#src/errors.js';
import { v1 } from '#src/protocol/index.js';
import { rejection } from '../../support/rejection.js';
import { Errands } from '../transport/errands.js';
import { errands } from '../transport/partitions.js';
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
    expect(await ref.describe({})).to.include({ ordinal: 7 });
    expect(asker.isConnected).to.equal(false);
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
