import { expect } from 'chai';
import { definitionHash, OK, State } from '#src/actors/control-plane/index.js';
import { AskTimeoutError, ConfigError, HandlerError, ProtocolError, StoppedError } from '#src/errors.js';
import { v1 } from '#src/protocol/index.js';
import { endWorlds } from '../transport/partitions.js';
import { millraceRejection } from '../../support/rejection.js';
import { until } from '../../support/until.js';
import { definition, type Member, parts, Plane } from './plane.js';

/** What the client believes there is, by id. */
function viewOf({ client }: Member): v1.Resource[] {
  return [...client.resources()].toSorted((left, right) => left.id - right.id);
}

const LOSSY = { loss: 0.2, duplicate: 0.2, latencyMs: 1, jitterMs: 2 };

describe('the client of the control plane', () => {
  afterEach(endWorlds);

  it('throws what the server threw, as it was', async () => {
    const plane = await Plane.start();
    const [one, other] = [await plane.join('a/1'), await plane.join('b/1')];
    await one.client.registerName('pricing', { cUid: 11n, service: 'shop.Pricing' });
    const taken = await millraceRejection(other.client.registerName('pricing', { cUid: 22n, service: 'shop.Stock' }));
    expect(taken).to.be.instanceOf(ConfigError);
    expect(taken.cause).to.be.instanceOf(HandlerError);
    expect(taken.message)
      .to.contain('another actor of shop.Pricing, in process')
      .and.to.contain('this one of shop.Stock');
    expect(await one.client.locate(99, 0n)).to.equal(undefined);
    expect(await millraceRejection(one.client.getDefinition('nothing'))).to.be.instanceOf(ConfigError);
    expect(await millraceRejection(one.client.drainSegment(99))).to.be.instanceOf(ConfigError);
  });

  it('is refused the name of an actor of another service, by what both are, now and when it appears', async () => {
    const plane = await Plane.start();
    const [one, other] = [await plane.join('a/1'), await plane.join('b/1')];
    const early = millraceRejection(other.client.lookup('pricing', 'shop.Stock', 60_000));
    await plane.world.pass(10);
    await one.client.registerName('pricing', { cUid: 11n, service: 'shop.Pricing' });
    const late = millraceRejection(other.client.lookup('pricing', 'shop.Stock', 1_000));
    for (const error of [await early, await late]) {
      expect(error).to.be.instanceOf(ConfigError);
      expect(error.message).to.contain('"pricing" is that of an actor of shop.Pricing, not of shop.Stock');
    }
    expect(await other.client.lookup('pricing', 'shop.Pricing', 1_000)).to.include({ cUid: 11n });
  });

  it('waits for a name, across processes, to the deadline and no further', async () => {
    const plane = await Plane.start({ latencyMs: 1 });
    const [one, other] = [await plane.join('a/1'), await plane.join('b/1')];
    const found = one.client.lookup('late', 's', 60_000);
    await plane.world.pass(4_321);
    await other.client.registerName('late', { cUid: 5n, service: 's' });
    expect(await found).to.include({ cUid: 5n, service: 's' });
    for (const timeoutMs of [1, 999.5, 1_000, 2_500, 100_000]) {
      const from = plane.world.scheduler.now();
      expect(await millraceRejection(one.client.lookup('never', 's', timeoutMs))).to.be.instanceOf(AskTimeoutError);
      expect(plane.world.scheduler.now() - from).to.be.closeTo(timeoutMs, 1e-6);
    }
  });

  it('shows each process itself, what runs there, and the pipelines that it has started with all their parts', async () => {
    const plane = await Plane.start();
    const [one, other] = [await plane.join('a/1'), await plane.join('b/1')];
    const pipeline = await one.client.startPipeline(definition, []);
    const third = await plane.join('m/1');
    await one.client.expandPipeline(parts(pipeline, one.ordinal, other.ordinal));
    await until('the views to follow', () => viewOf(other).length === 3);
    const kinds = (member: Member) => viewOf(member).map(({ detail }) => detail.case);
    expect(kinds(one)).to.deep.equal(['process', 'partition', 'pipeline', 'manifold', 'segment', 'segment']);
    expect(kinds(other)).to.deep.equal(['process', 'partition', 'segment']);
    expect(kinds(third)).to.deep.equal(['process', 'partition']);
  });

  it('expands no pipeline of another process', async () => {
    const plane = await Plane.start();
    const [one, other] = [await plane.join('a/1'), await plane.join('b/1')];
    const pipeline = await one.client.startPipeline(definition, []);
    const refused = await millraceRejection(other.client.expandPipeline(parts(pipeline, one.ordinal, other.ordinal)));
    expect(refused).to.be.instanceOf(ProtocolError);
  });

  it('is told that nothing has ended, when its view is large and others change while it is sent', async () => {
    for (const waitMs of [1, 6, 9, 12]) {
      const plane = await Plane.start({ latencyMs: 5 });
      const one = await plane.join('a/1');
      const members = Array.from({ length: 2_000 }, (_, index) => BigInt(index + 1));
      await Promise.all(
        members.map((cUid) => one.client.registerName('pool', { cUid, service: 's' }, { isGroup: true })),
      );
      const { client, removed } = await plane.join('m/1');
      const watched = client.watchGroup('pool');
      await new Promise<void>((resolve) => void plane.world.scheduler.setTimer(waitMs, resolve));
      const changed = one.client.registerName('pool', { cUid: 9_999n, service: 's' }, { isGroup: true });
      await Promise.all([watched, changed]);
      await until('all to be known', () => [...client.resources()].length === 3 + members.length);
      await plane.world.pass(1_000);
      expect(removed, `after ${waitMs} ms`).to.deep.equal([]);
    }
  });

  it('answers every message of its service, from another partition', async () => {
    const plane = await Plane.start();
    const one = await plane.join('a/1');
    const near = await plane.world.start('z/1');
    const service = plane.world.reach(near, v1.ControlPlaneClient, one.client.actor);
    const pipeline = await one.client.startPipeline(definition, []);
    const hash = definitionHash(definition);
    expect(await service.getDefinition({ hash })).to.deep.equal(definition);
    expect(await service.locate({ ordinal: one.ordinal })).to.deep.equal({ address: one.partition.address });
    expect(await service.locate({ ordinal: 99 })).to.deep.equal({ address: '' });
    await one.client.expandPipeline(parts(pipeline, one.ordinal, one.ordinal));
    const [manifold] = viewOf(one).filter(({ detail }) => detail.case === 'manifold');
    await until('the manifold to be known', () => viewOf(one).some(({ detail }) => detail.case === 'manifold'));
    const made = manifold ?? viewOf(one).find(({ detail }) => detail.case === 'manifold');
    await one.client.report({ id: made?.id ?? 0, actual: State.CREATED, actor: { cUid: 5n, service: 'm' } });
    await until('segments to be asked for', () =>
      viewOf(one).some(({ detail, requested }) => detail.case === 'segment' && requested === State.CREATED),
    );
    const segments = viewOf(one).filter(({ detail }) => detail.case === 'segment');
    for (const { id } of segments) await service.report({ id, actual: State.CREATED, outcome: OK });
    await until('the pipeline to run', () =>
      viewOf(one).some(({ id, actual }) => id === pipeline && actual === State.RUNNING),
    );
    const added = await one.client.addInstance(pipeline, 'sum');
    expect(await service.drain({ segment: added })).to.deep.equal({});
    expect(await millraceRejection(service.drain({ segment: segments[0]?.id ?? 0 }))).to.include({
      handlerCode: 'CONFIG',
    });
    // Another partition runs the first segment, and nobody knows who runs the second one.
    for (const segment of [added, 77_777]) service.progress({ pipeline, segment, name: 'sum', read: 7 });
    await until('progress to be heard', () => one.progress.length > 0);
    expect(one.progress.map(({ segment }) => segment)).to.deep.equal([77_777]);
    const before = viewOf(one);
    service.update({ base: 90, nonce: 99, changed: [] });
    service.update({ base: 0, nonce: 0, isSnapshot: true, changed: [] });
    await service.locate({ ordinal: one.ordinal });
    expect(viewOf(one), 'a gap and an old update change nothing').to.deep.equal(before);
  });

  it('leaves in good order', async () => {
    const plane = await Plane.start();
    const [one, other] = [await plane.join('a/1'), await plane.join('b/1')];
    await one.client.registerName('pricing', { cUid: 11n, service: 's' });
    await one.client.disconnect();
    expect(await millraceRejection(one.client.locate(1, 0n))).to.be.instanceOf(StoppedError);
    const { resources, names } = await plane.from(other.partition).list({});
    expect(names).to.deep.equal([]);
    expect(resources).to.have.length(2);
    expect(one.lost).to.deep.equal([]);
  });

  it('converges, and carries each request out once, however many frames are lost and doubled', async function () {
    this.timeout(120_000);
    for (let seed = 1; seed <= 25; seed += 1) {
      const plane = await Plane.start({ seed, ...LOSSY });
      const label = `seed ${seed}`;
      const manager = await plane.join('m/1');
      const [one, other] = await Promise.all([plane.join('a/1'), plane.join('b/1')]);
      const pipelines = await Promise.all([1, 2, 3].map(() => one.client.startPipeline(definition, [])));
      expect(new Set(pipelines).size, label).to.equal(3);
      await Promise.all(pipelines.map((id) => one.client.expandPipeline(parts(id, one.ordinal, other.ordinal))));
      const looked = other.client.lookup('pricing', 's', 10_000);
      await one.client.registerName('pricing', { cUid: 11n, service: 's' });
      expect(await looked, label).to.include({ cUid: 11n, service: 's' });
      const added = await Promise.all(pipelines.map((id) => one.client.addInstance(id, 'sum', one.ordinal)));
      await Promise.all(added.map((id) => one.client.drainSegment(id)));
      await one.client.stopPipeline(pipelines[0] ?? 0);
      const list = async (): Promise<v1.Resources> => {
        for (;;) {
          try {
            return await plane.from(manager.partition).list({}, { timeoutMs: 200 });
          } catch (error) {
            if (!(error instanceof AskTimeoutError)) throw error;
          }
        }
      };
      const { resources } = await list();
      const count = (kind: string): number => resources.filter(({ detail }) => detail.case === kind).length;
      expect([count('process'), count('partition'), count('pipeline'), count('segment')], label).to.deep.equal([
        3, 3, 3, 6,
      ]);
      await plane.world.pass(20_000);
      const bySelf = new Map((await list()).resources.map((resource) => [resource.id, resource]));
      for (const member of [manager, one, other]) {
        for (const resource of viewOf(member)) expect(resource, label).to.deep.equal(bySelf.get(resource.id));
      }
      const own = [...bySelf.values()].filter(({ detail }) => detail.case !== 'process' && detail.case !== 'partition');
      expect(viewOf(one), label).to.have.length(own.length + 2);
      // A process that crashes is gone everywhere.
      plane.world.network.crash('b');
      await until(`${label}: the crash to be known`, () =>
        viewOf(one).every(({ detail }) => detail.case !== 'segment' || detail.value.partition !== other.ordinal),
      );
      await one.client.disconnect();
    }
  });
});
