import { expect } from 'chai';
import { type ActorRef, behavior, later } from '#src/actors/kernel/index.js';
import * as face from '#src/actors/runtime/index.js';
import { manifold } from '#src/actors/runtime/manifold.js';
import { v1 } from '#src/protocol/index.js';
import { Publisher, Subscriber } from '#src/actors/pubsub/index.js';
import { upTo } from '../../support/numbers.js';
import { type Cluster, describeLinked, startFlow, until } from './harness.js';
import flow from './pipelines/flow.js';
import { Row } from './row.js';

const { LifeCycle } = v1;

/** Two processes: what runs in the last of the partitions of `here` is driven from `there`, by messages alone. */
async function twoProcesses(cluster: Cluster, partitions = 1) {
  const here = await cluster.start({ system: { partitions } });
  const there = await cluster.start();
  return { cluster, here, there };
}

describeLinked('the services of the runtime, driven from another process by messages alone', (newCluster) => {
  it('Runtime: describes itself, and stops, after it has answered', async () => {
    const { here: control, there: runtime, cluster } = await twoProcesses(newCluster());
    const ref = await control.lookup(v1.Runtime, `millrace/runtime/${runtime.pUid}`);
    const description = await ref.describe({});
    expect(description).to.include({ node: 'node-1', name: 'process-1', servesControlPlane: false, isConnected: true });
    expect(description.pUid).to.equal(runtime.pUid);
    expect(description.partitions.map(({ ordinal }) => ordinal)).to.deep.equal(runtime.ordinals);
    await ref.stop({});
    await until(() => cluster.executor.runtimes.length === 1 && runtime.leftovers.actors === 0);
  });

  it('PartitionRuntime: describes itself', async () => {
    const { cluster, here, there } = await twoProcesses(newCluster(), 2);
    for (const ordinal of here.ordinals) {
      const ref = await there.lookup(v1.PartitionRuntime, `millrace/partition/${ordinal}`);
      const description = await ref.describe({});
      expect(description).to.include({ ordinal, segments: 0 });
      expect(description.actors).to.be.greaterThan(0);
      expect(description.address).to.match(cluster.isVirtual ? /^memory:/ : /unix:/);
    }
  });

  it('PipelinesManager: lists pipelines', async () => {
    const { here, there } = await twoProcesses(newCluster());
    const { run } = await startFlow(here, flow, { count: 1 });
    await run.done;
    const ref = await there.lookup(v1.PipelinesManager, `millrace/pipelines-manager/${here.pUid}`);
    const { pipelines } = await ref.describe({});
    expect(pipelines.map(({ detail, actual }) => [detail.case, actual])).to.deep.equal([
      ['pipeline', LifeCycle.DESTROYED],
    ]);
  });

  it('SegmentsManager: registers, activates, describes, stops and forgets segments, however often it is told', async () => {
    const { cluster, here, there } = await twoProcesses(newCluster(), 2);
    const { board, manager, port, segment } = await twoSegments(here, there);
    const sink = v1.SegmentRequest.create({ id: 2002, segment: segment('sink', [port('stage', false)]) });
    await manager.register(sink);
    await manager.register(sink);
    const known = async () => (await manager.describe({})).segments;
    await untilAsync(cluster, async () => (await known())[0]?.actual === LifeCycle.CREATED);
    await manager.activate({ id: 2002 });
    await manager.activate({ id: 2002 });
    await untilAsync(cluster, async () => (await known())[0]?.actual === LifeCycle.RUNNING);
    expect(await known()).to.have.length(1);
    expect((await known())[0]).to.include({ id: 2002, name: 'sink', read: 0 });
    const partition = await there.lookup(v1.PartitionRuntime, `millrace/partition/${lastOf(here)}`);
    expect(await partition.describe({})).to.include({ segments: 1 });
    await manager.stop({ id: 2002 });
    await manager.stop({ id: 2002 });
    await untilAsync(cluster, async () => (await known())[0]?.actual === LifeCycle.STOPPED);
    expect((await known())[0]?.outcome?.result.case).to.equal('cancelled');
    expect(board.aborted.length).to.be.greaterThan(0);
    await manager.unregister({ id: 2002 });
    await untilAsync(cluster, async () => (await known()).length === 0);
    await manager.unregister({ id: 2002 });
    await manager.stop({ id: 2002 });
    await manager.register(sink);
    expect(await known(), 'a late repeat brings nothing back').to.have.length(0);
  });

  it('SegmentsManager: answers what it cannot do with an error, and goes on', async () => {
    const { here, there } = await twoProcesses(newCluster(), 2);
    const manager = await there.lookup(v1.SegmentsManager, `millrace/segments-manager/${lastOf(here)}`);
    expect(await manager.activate({ id: 9 }).then(() => 'answered', String)).to.include('Segment 9 is not registered');
    expect(await manager.drain({ id: 9 }).then(() => 'answered', String)).to.include('Segment 9 is not registered');
    expect(await manager.register({ id: 9 }).then(() => 'answered', String)).to.include('must be described');
    expect((await manager.describe({})).segments).to.deep.equal([]);
  });

  it('SegmentsManager: drains a segment through the control plane', async () => {
    const { cluster, here, there } = await twoProcesses(newCluster(), 2);
    const count = cluster.many(600, 300);
    const { run, board } = await startFlow(
      here,
      flow,
      { count, stages: 2 },
      {
        partitions: { stage: [lastOf(here)] },
        board: (on) => {
          on.stage = () => cluster.pass(1);
        },
      },
    );
    await until(() => board.sunk.length > 50);
    const [id] = run.instances('stage');
    const manager = await there.lookup(v1.SegmentsManager, `millrace/segments-manager/${lastOf(here)}`);
    await manager.drain({ id: id ?? 0 });
    await until(() => !run.instances('stage').includes(id ?? 0));
    await run.done;
    expect(board.sunk.map((row) => row.id).sort((a, b) => a - b)).to.deep.equal(upTo(count));
  });

  it('ManifoldService, Publisher and Subscriber: wired from elsewhere, elements flow between two processes', async () => {
    const { cluster, here, there } = await twoProcesses(newCluster());
    const controller = await cluster.start();
    const publisher = new Publisher({
      id: 1,
      port: 'rows',
      type: Row,
      policy: 'round-robin',
      isLossy: () => false,
      recovers: false,
      failed: (error) => expect.fail(error.message),
    });
    const subscriber = new Subscriber({ id: 2, port: 'rows', type: Row });
    const writer = v1.Member.create({ id: 1, ref: here.spawn(publisher.behavior()).toRef() });
    const reader = v1.Member.create({ id: 2, ref: there.spawn(subscriber.behavior()).toRef() });
    await there.register('manifold', there.spawn(manifold('rows', 'round-robin')));
    const ref = await controller.lookup(v1.ManifoldService, 'manifold');
    await ref.expect({ producers: [1], consumers: [2] });
    await ref.join({ member: writer, isWriter: true });
    expect(await ref.describe({})).to.include({ port: 'rows', isWired: false });
    await ref.join({ member: reader, isWriter: false });
    await ref.join({ member: reader, isWriter: false });
    const wired = await ref.describe({});
    expect([wired.isWired, wired.writers.length, wired.readers.length]).to.deep.equal([true, 1, 1]);
    const read: number[] = [];
    const reading = (async () => {
      for await (const { id } of subscriber) read.push(id);
    })();
    for (const id of upTo(2_000)) await publisher.write({ id });
    await publisher.end();
    await reading;
    expect(read).to.deep.equal(upTo(2_000));
    await ref.leave({ member: 1, hasEnded: true });
    await ref.leave({ member: 2 });
    await ref.leave({ member: 2 });
    await ref.join({ member: reader, isWriter: false });
    expect((await ref.describe({})).readers, 'a late repeat brings nobody back').to.deep.equal([]);
  });

  it('ManifoldService: a member is let go only when every listener has acknowledged that it is gone', async () => {
    const { cluster, here, there } = await twoProcesses(newCluster());
    let answer = (): void => {};
    const heard: v1.Membership[] = [];
    const slow = behavior(v1.Publisher, {
      rewire: (_state, membership) => {
        heard.push(membership);
        const reply = { nonce: membership.nonce };
        return membership.left.length === 0
          ? reply
          : later(new Promise<typeof reply>((resolve) => (answer = () => resolve(reply))));
      },
      grant: () => {},
    });
    const reader = new Subscriber({ id: 2, port: 'rows', type: Row });
    await there.register('manifold', there.spawn(manifold('rows', 'broadcast')));
    const ref = await here.lookup(v1.ManifoldService, 'manifold');
    await ref.join({ member: v1.Member.create({ id: 1, ref: here.spawn(slow).toRef() }), isWriter: true });
    const member = v1.Member.create({ id: 2, ref: there.spawn(reader.behavior()).toRef() });
    await ref.join({ member, isWriter: false });
    await until(() => heard.some(({ joined }) => joined.length > 0));
    let isGone = false;
    const leaving = ref.leave({ member: 2 }, { timeoutMs: 60_000 }).then(() => (isGone = true));
    await until(() => heard.some(({ left }) => left.includes(2)));
    await cluster.pass(cluster.many(500, 50));
    expect(isGone).to.equal(false);
    answer();
    await leaving;
  });

  it('ManifoldService: a reader that was dropped does not come back by a repeated join; before it had joined, it ends at once', async () => {
    const { cluster, here, there } = await twoProcesses(newCluster());
    const writer = new Publisher({
      id: 1,
      port: 'rows',
      type: Row,
      policy: 'broadcast',
      isLossy: () => false,
      recovers: false,
      failed: () => {},
    });
    const [kept, dropped, never] = [2, 3, 4].map((id) => new Subscriber({ id, port: 'rows', type: Row }));
    if (kept === undefined || dropped === undefined || never === undefined) throw new Error('three were made');
    await there.register('manifold', there.spawn(manifold('rows', 'broadcast')));
    const ref = await here.lookup(v1.ManifoldService, 'manifold');
    const member = (id: number, port: Publisher<Row, Partial<Row>> | Subscriber<Row>) => ({
      member: v1.Member.create({
        id,
        ref: (port instanceof Publisher ? here.spawn(port.behavior()) : here.spawn(port.behavior())).toRef(),
      }),
      isWriter: port instanceof Publisher,
    });
    const joining = member(3, dropped);
    await ref.expect({ producers: [1], consumers: [2, 3, 4] });
    await ref.join(member(1, writer));
    await ref.join(member(2, kept));
    await ref.join(joining);
    await ref.expect({ producers: [1], consumers: [2] });
    await ref.join(joining);
    await ref.join(member(4, never));
    expect((await ref.describe({})).readers.map(({ id }) => id)).to.deep.equal([2]);
    for (const reader of [dropped, never]) {
      expect(await reader[Symbol.asyncIterator]().next()).to.include({ done: true });
    }
    await writer.write({ id: 7 });
    expect(await kept[Symbol.asyncIterator]().next()).to.deep.include({ value: { id: 7, key: '' } });
    await cluster.pass(10);
  });

  it('Publisher: sends what is granted, and not one element more', async () => {
    const { cluster, here, there } = await twoProcesses(newCluster());
    const elements: { sequence: number }[] = [];
    let ended: number | undefined;
    const fake = behavior(v1.Subscriber, {
      rewire: () => ({ nonce: 1 }),
      element: (_state, element) => void elements.push(element),
      end: (_state, { sequence }) => {
        ended = sequence;
      },
      probe: () => {},
    });
    const publisher = new Publisher({
      id: 1,
      port: 'rows',
      type: Row,
      policy: 'round-robin',
      isLossy: () => false,
      recovers: false,
      failed: () => {},
    });
    await here.register('publisher', here.spawn(publisher.behavior()));
    const ref = await there.lookup(v1.Publisher, 'publisher');
    const member = v1.Member.create({ id: 2, ref: there.spawn(fake).toRef() });
    const writes = Promise.all(upTo(50).map((id) => publisher.write({ id })));
    expect(await ref.rewire({ base: 0, nonce: 1, isSnapshot: true, joined: [member], isComplete: true })).to.include({
      nonce: 1,
    });
    expect(await ref.rewire({ base: 7, nonce: 9, joined: [member] }), 'a gap').to.include({ nonce: 1 });
    ref.grant({ reader: 2, items: 10, bytes: 1_000_000, received: 0, hasGap: false });
    ref.grant({ reader: 2, items: 5, bytes: 1, received: 0, hasGap: false });
    await until(() => elements.length >= 10);
    await cluster.pass(cluster.many(1_000, 50));
    expect(elements.map(({ sequence }) => sequence)).to.deep.equal(upTo(10));
    ref.grant({ reader: 2, items: 50, bytes: 1_000_000, received: 10, hasGap: false });
    await writes;
    const done = publisher.end();
    await until(() => ended === 50);
    ref.grant({ reader: 2, items: 50, bytes: 1_000_000, received: 51, hasGap: false });
    await done;
  });

  it('Publisher and Subscriber: a member without its reference is refused, and changes nothing', async () => {
    const { here, there } = await twoProcesses(newCluster());
    const subscriber = new Subscriber({ id: 2, port: 'rows', type: Row });
    await here.register('subscriber', here.spawn(subscriber.behavior()));
    const ref: ActorRef<typeof v1.Subscriber> = await there.lookup(v1.Subscriber, 'subscriber');
    const bad = { base: 0, nonce: 1, isSnapshot: true, joined: [v1.Member.create({ id: 5 })], isComplete: true };
    expect(await ref.rewire(bad).then(() => 'answered', String)).to.include(
      'Member 5 of a port must carry its reference',
    );
    expect(await ref.rewire({ ...bad, joined: [] })).to.include({ nonce: 1 });
    expect(await subscriber[Symbol.asyncIterator]().next()).to.include({ done: true });
  });
});

describe('the face of the runtime', () => {
  it('has no way to activate, drain or stop a segment: that is done by messages', () => {
    expect(Object.keys(face).toSorted()).to.deep.equal([
      'Executor',
      'PLACE_ON',
      'Runtime',
      'checkOn',
      'component',
      'declarePipeline',
      'declaredAs',
      'drainHttpServer',
      'flagOf',
      'importPipeline',
      'isComponent',
      'isPipeline',
      'makingOf',
      'messageTypeOf',
      'moduleUrl',
      'netSettings',
      'pipeline',
      'runtimeSettings',
      'stopOnSignals',
    ]);
    expect(Object.keys(face.Runtime)).to.deep.equal(['start', 'current']);
    const own = Object.getOwnPropertyNames(face.Executor.prototype).toSorted();
    expect(own).to.deep.equal(['constructor', 'crash', 'restart', 'runtimes', 'start', 'started', 'stop']);
  });
});

function lastOf({ ordinals }: face.Runtime): number {
  return ordinals.at(-1) ?? 0;
}

/** A manifold and the segments manager of `here`, as `there` sees them, and what it needs to describe a segment of a flow. */
async function twoSegments(here: face.Runtime, there: face.Runtime) {
  const { run, board } = await startFlow(here, flow, { count: 1 });
  await run.done;
  const pipelines = await there.lookup(v1.PipelinesManager, `millrace/pipelines-manager/${here.pUid}`);
  const [pipeline] = (await pipelines.describe({})).pipelines;
  const definition = pipeline?.detail.case === 'pipeline' ? pipeline.detail.value.definition : '';
  const actor = there.spawn(manifold('stage', 'round-robin')).toRef();
  await there.register('manifold', there.spawn(manifold('unused', 'broadcast')));
  const manager = await there.lookup(v1.SegmentsManager, `millrace/segments-manager/${lastOf(here)}`);
  const port = (name: string, isEgress: boolean) => v1.PortAssignment.create({ port: name, actor, isEgress });
  const segment = (name: string, ports: v1.PortAssignment[]) =>
    v1.Segment.create({ name, definition, ports, partition: lastOf(here) });
  return { board, manager, port, segment };
}

async function untilAsync(cluster: Cluster, isTrue: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < cluster.many(200, 2_000); tries++) {
    if (await isTrue()) return;
    await cluster.pass(10);
  }
  throw new Error(`this never became true: ${isTrue.toString()}`);
}
