import { expect } from 'chai';
import { behavior } from '#src/actors/kernel/index.js';
import { ConfigError, UnreachableError } from '#src/errors.js';
import { limits } from '#src/limits.js';
import { v1 } from '#src/protocol/index.js';
import { rejection } from '../../support/rejection.js';
import { closeAfterEach, Cluster, describeLinked, describePlacements, startFlow, until } from './harness.js';
import flow from './pipelines/flow.js';

describeLinked('a node that crashes and comes back', (newCluster) => {
  it('joins afresh, with new ids, and its names are free again', async () => {
    const cluster = newCluster();
    const { executor } = cluster;
    const first = await cluster.start();
    const place = { node: 'node-1', name: 'process-1', system: { partitions: 2 } };
    const before = await cluster.start(place);
    before.spawn(described(1), { name: 'who', register: true });
    const old = await first.lookup(v1.PartitionRuntime, 'who');

    executor.crash('node-1');
    expect(await rejection(old.describe({}))).to.be.instanceOf(UnreachableError);
    expect(() => executor.restart('node-0')).to.throw(ConfigError);

    executor.restart('node-1');
    const after = await cluster.start(place);
    after.spawn(described(2), { name: 'who', register: true });
    const found = await first.lookup(v1.PartitionRuntime, 'who');
    expect(await found.describe({})).to.include({ ordinal: 2 });
    expect(after.pUid).to.not.equal(before.pUid);
    expect(after.ordinals).to.not.include.members([...before.ordinals]);
    // Its address may be that of the process which has come back, and says that the actor has ended.
    expect(await rejection(old.describe({})))
      .to.have.property('code')
      .that.is.oneOf(['UNREACHABLE', 'STOPPED']);
  });
});

describePlacements('a control plane that crashes and comes back', (newCluster) => {
  it('has all partitions of a process that lives on, with their actors and names', async () => {
    const cluster = newCluster();
    const { executor } = cluster;
    const place = { node: 'node-0', name: 'process-0', system: { partitions: 1 }, placement: 'inline' } as const;
    const first = await cluster.start(place);
    const other = await cluster.start({ system: { partitions: 2 } });
    await other.register('who', other.spawn(described(5)));
    const { pUid, ordinals } = other;
    expect(ordinals).to.have.length(2);

    executor.crash('node-0');
    await until(() => !other.isConnected);
    expect(other.health().isAlive).to.equal(true);
    executor.restart('node-0');
    const again = await executor.start(place);
    cluster.started[0] = again;
    await until(() => other.isConnected);
    expect({ pUid: other.pUid, ordinals: other.ordinals }).to.deep.equal({ pUid, ordinals });
    expect(again.ordinals).to.not.include.members([...ordinals, ...first.ordinals]);
    expect(await (await again.lookup(v1.PartitionRuntime, 'who')).describe({})).to.include({ ordinal: 5 });
    for (const ordinal of ordinals) {
      const partition = await again.lookup(v1.PartitionRuntime, `millrace/partition/${ordinal}`);
      expect(await partition.describe({})).to.include({ ordinal });
    }
  });
});

describe('a pipeline whose control plane starts anew', () => {
  closeAfterEach();

  it('runs on while it is gone, and afterwards, until it is stopped: its segments end', async () => {
    const cluster = new Cluster();
    const first = await cluster.start();
    const other = await cluster.start();
    const own = other.ordinals;
    const { run, board } = await startFlow(
      other,
      flow,
      { count: 0 },
      {
        partitions: { source: own, stage: own, sink: own },
        board: (on) => {
          on.source = (_output, { signal }) =>
            new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
        },
      },
    );
    await until(() => board.starts === 1);
    cluster.executor.crash(first.node);
    await until(() => !other.isConnected);
    await cluster.pass(5_000);
    expect(board.aborted).to.deep.equal([]);
    cluster.executor.restart(first.node);
    cluster.started[0] = await cluster.executor.start({ node: first.node, name: first.name });
    await until(() => other.isConnected);
    await cluster.pass(5_000);
    expect([board.starts, board.aborted]).to.deep.equal([1, []]);
    await run.stop();
    expect(board.aborted).to.have.length.above(0);
    await until(() => other.metrics().pipelines.running === 0 && other.describe().partitions?.[0]?.segments === 0);
  });
});

describe('a pipeline of which a process comes late to the control plane that has started anew', () => {
  closeAfterEach();

  for (const isStarterLate of [false, true]) {
    it(`runs on, where that is ${isStarterLate ? 'the one that has started it' : 'one that runs a segment'}`, async () => {
      const cluster = new Cluster();
      const [first, other, third] = [await cluster.start(), await cluster.start(), await cluster.start()];
      const { run, board } = await startFlow(
        other,
        flow,
        { count: 0 },
        {
          partitions: { source: other.ordinals, stage: third.ordinals, sink: third.ordinals },
          board: (on) => {
            on.source = (_output, { signal }) =>
              new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
          },
        },
      );
      await until(() => board.starts === 1);
      const late = isStarterLate ? other : third;
      const { network } = cluster.executor;
      cluster.executor.crash(first.node);
      await until(() => !other.isConnected && !third.isConnected);
      network.partition([late.node], [first.node]);
      cluster.executor.restart(first.node);
      cluster.started[0] = await cluster.executor.start({ node: first.node, name: first.name });
      await cluster.pass(limits.recoveryMs + 2_000);
      network.heal();
      await until(() => other.isConnected && third.isConnected);
      await cluster.pass(5_000);
      expect([board.starts, board.aborted, run.restarts]).to.deep.equal([1, [], 0]);
      await run.stop();
    });
  }
});

function described(ordinal: number) {
  return behavior(v1.PartitionRuntime, { describe: () => ({ ordinal }) });
}
