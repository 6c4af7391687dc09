import { expect } from 'chai';
import { definitionHash, OK, State } from '#src/actors/control-plane/index.js';
import { behavior } from '#src/actors/kernel/index.js';
import { HandlerError } from '#src/errors.js';
import { limits } from '#src/limits.js';
import { v1 } from '#src/protocol/index.js';
import { endWorlds, type Partition } from '../transport/partitions.js';
import { millraceRejection } from '../../support/rejection.js';
import { definition, parts, Plane } from './plane.js';

/** A client that keeps what it is told and acknowledges by hand. */
function listener(partition: Partition) {
  const updates: v1.Update[] = [];
  const ref = partition.system.spawn(
    behavior(v1.ControlPlaneClient, {
      update: (_state, update) => void updates.push(update),
      report: () => ({}),
      progress: () => {},
      locate: () => ({}),
      drain: () => ({}),
      getDefinition: () => ({}),
      registerName: () => ({}),
      unregisterName: () => ({}),
    }),
  );
  return { ref: ref.toRef(), updates, actor: ref };
}

describe('the ControlPlane service, by messages alone', () => {
  afterEach(endWorlds);

  /** A process that speaks for itself: connected, with its partition registered, and active. */
  async function setUp() {
    const plane = await Plane.start({ latencyMs: 1 });
    const far = await plane.world.start('far/1');
    const server = plane.from(far);
    let lastTag = 0;
    const { pUid } = await server.connect({ tag: 1, launch: 'far', node: 'far', name: 'far/1' });
    const identity = () => ({ pUid, tag: ++lastTag });
    const { ordinals } = await server.registerPartitions({ ...identity(), addresses: [far.address, 'memory://far/2'] });
    const { ref, updates, actor } = listener(far);
    const activation = { ...identity(), client: ref, segmentsManagers: [] };
    const first = await server.activate(activation);
    return { plane, far, server, identity, pUid, ordinals, updates, activation, first, actor };
  }

  it('brings a process up: ids, ordinals, and a snapshot of what it is concerned with', async () => {
    const { server, pUid, ordinals, first, far } = await setUp();
    expect(pUid >= 2n ** 32n).to.equal(true);
    expect(ordinals).to.have.length(2);
    expect(first).to.include({ isSnapshot: true });
    expect(first.changed.map(({ detail, actual }) => [detail.case, actual])).to.deep.equal([
      ['process', State.RUNNING],
      ['partition', State.RUNNING],
      ['partition', State.RUNNING],
    ]);
    const { resources, names } = await server.list({});
    expect(resources).to.have.length(3);
    expect(names).to.deep.equal([]);
    expect(await server.locate({ ordinal: ordinals[0] ?? 0 })).to.deep.equal({ address: far.address });
  });

  it('takes requests in the name of a process from its own link only', async () => {
    const { plane, server, identity, pUid, far, activation } = await setUp();
    const name = { name: 'one', ref: v1.Ref.create({ cUid: 5n, service: 's' }) };
    await server.registerName({ ...identity(), ...name });
    const stranger = plane.from(await plane.world.start('stranger/1'));
    const forged = { pUid, tag: 77 };
    const requests = [
      stranger.disconnect(forged),
      stranger.registerPartitions({ ...forged, addresses: ['memory://stranger/1'] }),
      stranger.activate({ ...activation, ...forged }),
      stranger.retirePartition({ ...forged, ordinal: 1 }),
      stranger.unregisterName({ ...forged, name: 'one', cUid: 5n }),
      stranger.registerName({ ...forged, name: 'two', ref: name.ref }),
      stranger.connect({ tag: 78, launch: 'far', node: 'far', name: 'far/1' }),
    ];
    for (const request of requests) {
      expect((await millraceRejection(request)).message).to.contain(`in the name of process ${pUid} was refused`);
    }
    const { resources, names } = await server.list({});
    expect(names).to.deep.equal([{ ...name, isGroup: false }]);
    expect(resources.filter(({ detail }) => detail.case === 'partition')).to.have.length(2);
    expect(await server.locate({ ordinal: 1 })).to.deep.equal({ address: far.address });
  });

  it('gives a name that a living process of the node has a suffix', async () => {
    const plane = await Plane.start();
    const names: string[] = [];
    for (const launch of ['a', 'b', 'c']) {
      const server = plane.from(await plane.world.start(`node/${launch}`));
      names.push((await server.connect({ tag: 1, launch, node: 'node', name: 'process' })).name);
    }
    expect(names).to.deep.equal(['process', 'process-2', 'process-3']);
  });

  it('finds a partition for references of its own process only', async () => {
    const plane = await Plane.start();
    const far = await plane.world.start('far/1');
    const server = plane.from(far);
    const { pUid } = await server.connect({ tag: 1, launch: 'far', incarnation: 9n, node: 'far', name: 'far' });
    const { ordinals } = await server.registerPartitions({ pUid, tag: 2, addresses: [far.address] });
    const [ordinal = 0] = ordinals;
    for (const incarnation of [9n, 0n]) {
      expect(await server.locate({ ordinal, incarnation })).to.deep.equal({ address: far.address });
    }
    expect(await server.locate({ ordinal, incarnation: 8n })).to.deep.equal({ address: '' });
    expect(await server.locate({ ordinal: 999 })).to.deep.equal({ address: '' });
  });

  it('answers a repeated request with the same reply, and carries it out once', async () => {
    const { server, identity, ordinals, pUid, activation, first } = await setUp();
    expect((await server.connect({ tag: 9, launch: 'far' })).pUid).to.equal(pUid);
    expect((await server.registerPartitions({ pUid, tag: 1, addresses: ['x'] })).ordinals).to.deep.equal(ordinals);
    expect((await server.activate(activation)).changed).to.deep.equal(first.changed);
    const { hash } = await server.registerDefinition({ ...identity(), definition });
    const start = { ...identity(), definition: hash };
    const { pipeline } = await server.startPipeline(start);
    expect(await server.startPipeline(start)).to.deep.equal({ pipeline });
    const expansion = { ...identity(), ...parts(pipeline, ordinals[0] ?? 0, ordinals[1] ?? 0) };
    await server.expandPipeline(expansion);
    await server.expandPipeline(expansion);
    const add = { ...identity(), pipeline, segment: 'sum' };
    const { segment } = await server.addInstance(add);
    expect(await server.addInstance(add)).to.deep.equal({ segment });
    const name = { ...identity(), name: 'one', ref: { cUid: 5n, service: 's' } };
    await server.registerName(name);
    await server.unregisterName({ ...identity(), name: 'one', cUid: 5n });
    await server.registerName(name);
    const { resources, names } = await server.list({});
    expect(names, 'a late repeat does not bring the name back').to.deep.equal([]);
    expect(resources.filter(({ detail }) => detail.case === 'segment')).to.have.length(3);
    expect(resources.filter(({ detail }) => detail.case === 'pipeline')).to.have.length(1);
  });

  it('runs a pipeline through every request, and tells of each step', async () => {
    const { server, identity, ordinals, updates, plane, pUid } = await setUp();
    const view = new Map<number, v1.Resource>();
    const heard = (): void => {
      for (const { changed, removed, nonce, view: number } of updates.splice(0)) {
        for (const resource of changed) view.set(resource.id, resource);
        for (const id of removed) view.delete(id);
        server.acknowledge({ pUid, nonce, view: number });
      }
    };
    const { hash } = await server.registerDefinition({ ...identity(), definition });
    expect(hash).to.equal(definitionHash(definition));
    expect(await server.getDefinition({ hash })).to.deep.equal(definition);
    const { pipeline } = await server.startPipeline({ ...identity(), definition: hash });
    await server.expandPipeline({ ...identity(), ...parts(pipeline, ordinals[0] ?? 0, ordinals[1] ?? 0) });
    const { segment } = await server.addInstance({ ...identity(), pipeline, segment: 'sum', partition: ordinals[0] });
    await server.drainSegment({ ...identity(), segment });
    for (let steps = 0; view.get(pipeline)?.actual !== State.DESTROYED; steps += 1) {
      expect(steps).to.be.lessThan(200);
      heard();
      for (const { id, requested, actual, detail } of view.values()) {
        if ((detail.case === 'segment' || detail.case === 'manifold') && actual < requested) {
          const actor = detail.case === 'manifold' ? { cUid: 5n, service: 'm' } : undefined;
          await server.report({ ...identity(), id, actual: requested, outcome: OK, actor });
        }
      }
      await plane.world.pass(3);
    }
    expect(view.get(pipeline)?.outcome).to.deep.equal(OK);
    const second = await server.startPipeline({ ...identity(), definition: hash });
    await server.stopPipeline({ ...identity(), pipeline: second.pipeline });
    await server.stopPipeline({ ...identity(), pipeline: second.pipeline });
    const { resources } = await server.list({});
    expect(resources.find(({ id }) => id === second.pipeline)?.actual).to.equal(State.DESTROYED);
  });

  it('repeats an update until it is acknowledged, ever more slowly, and sends no more than one at a time', async () => {
    const { server, identity, updates, plane, pUid, first } = await setUp();
    const { view } = first;
    server.acknowledge({ pUid, nonce: first.nonce, view });
    await plane.world.pass(5);
    updates.length = 0;
    const { hash } = await server.registerDefinition({ ...identity(), definition });
    for (let count = 0; count < 5; count += 1) await server.startPipeline({ ...identity(), definition: hash });
    expect(updates).to.have.length(1);
    await plane.world.pass(60_000);
    expect(updates.length).to.be.within(4, 10);
    const last = updates.at(-1);
    expect(last?.base).to.equal(first.nonce);
    expect(last?.changed).to.have.length(5);
    server.acknowledge({ pUid, nonce: last?.nonce ?? 0, view });
    const before = updates.length;
    // Repeats of an acknowledgement are not answered.
    for (let count = 0; count < 5; count += 1) server.acknowledge({ pUid, nonce: last?.nonce ?? 0, view });
    await plane.world.pass(60_000);
    expect(updates).to.have.length(before);
  });

  it('answers lookups when the name appears, and is not held up by them', async () => {
    const { server, identity, plane } = await setUp();
    const ref = v1.Ref.create({ cUid: 5n, service: 'shop.Pricing' });
    const waiting = [server.lookup({ name: 'late' }), server.lookup({ name: 'late' })];
    await server.list({});
    await server.registerName({ ...identity(), name: 'late', ref });
    expect(await Promise.all(waiting)).to.deep.equal([ref, ref]);
    expect(await server.lookup({ name: 'late' })).to.deep.equal(ref);
    // A lookup that nobody waits for any more is given up.
    const forgotten = await millraceRejection(server.lookup({ name: 'never' }, { timeoutMs: 120_000 }));
    expect(forgotten).to.be.instanceOf(HandlerError).and.to.include({ handlerCode: 'ASK_TIMEOUT' });
    expect(plane.world.scheduler.now()).to.be.within(60_000, 61_000);
  });

  it('answers what it does not know, or cannot do, with typed errors, and goes on', async () => {
    const { server, identity, pUid, plane, first } = await setUp();
    const stranger = { pUid: 77n, tag: 1 };
    const refused: [Promise<unknown>, string][] = [
      [server.connect({}), 'PROTOCOL'],
      [server.registerPartitions({ pUid, tag: 0, addresses: ['x'] }), 'PROTOCOL'],
      [server.activate({ ...identity() }), 'PROTOCOL'],
      [server.activate({ ...identity(), client: { cUid: 2n ** 63n, service: 'other.Service' } }), 'PROTOCOL'],
      [server.report({ ...identity(), id: 1, actual: State.DESTROYED }), 'PROTOCOL'],
      [server.registerName({ ...identity(), name: 'x' }), 'PROTOCOL'],
      [server.registerDefinition({ ...identity() }), 'PROTOCOL'],
      [server.getDefinition({ hash: 'nothing' }), 'CONFIG'],
      [server.startPipeline({ ...identity(), definition: 'nothing' }), 'CONFIG'],
      [server.stopPipeline({ ...identity(), pipeline: 999 }), 'CONFIG'],
      [server.expandPipeline({ ...identity(), pipeline: 999 }), 'CONFIG'],
      [server.addInstance({ ...identity(), pipeline: 999, segment: 'x' }), 'CONFIG'],
      [server.drainSegment({ ...identity(), segment: 999 }), 'CONFIG'],
    ];
    for (const [index, [request, handlerCode]] of refused.entries()) {
      expect(await millraceRejection(request), `request ${index}`)
        .to.be.instanceOf(HandlerError)
        .and.to.include({ handlerCode });
    }
    const unknown = [
      server.registerPartitions({ ...stranger, addresses: ['x'] }),
      server.activate({ ...stranger, client: { cUid: 5n, service: v1.ControlPlaneClient.typeName } }),
      server.report({ ...stranger, id: 1, actual: State.CREATED }),
      server.registerName({ ...stranger, name: 'x', ref: { cUid: 5n, service: 's' } }),
      server.unregisterName({ ...stranger, name: 'x' }),
    ];
    for (const request of unknown) expect(await millraceRejection(request)).to.include({ reason: 'ANNOUNCE' });
    server.acknowledge({ pUid, nonce: 1_000_000, view: first.view });
    server.acknowledge({ pUid: 77n, nonce: 1 });
    expect(await server.disconnect({ pUid: 77n, tag: 1 })).to.deep.equal({});
    expect((await server.list({})).resources).to.have.length(3);
    expect(plane.server.router.protocolErrors).to.equal(0);
  });

  it('retires a process that leaves, whose client ends, or that never came up', async () => {
    const { server, plane, identity, actor, far, pUid } = await setUp();
    const count = async (): Promise<number> => (await server.list({})).resources.length;
    const second = await server.connect({ tag: 1, launch: 'second' });
    await server.registerPartitions({ pUid: second.pUid, tag: 1, addresses: ['memory://second'] });
    expect(await count()).to.equal(5);
    await plane.world.pass(4 * limits.controlPlaneTimeoutMs);
    expect(await count(), 'it never became active').to.equal(3);
    await far.system.stop(actor);
    await plane.world.pass(10);
    expect(await count(), 'its client ended').to.equal(0);
    expect(await millraceRejection(server.startPipeline({ ...identity(), definition: 'x' }))).to.include({
      reason: 'ANNOUNCE',
    });
    await server.disconnect({ pUid, tag: 5 });
  });
});
