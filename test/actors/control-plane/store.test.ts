import { expect } from 'chai';
import { CANCELLED, failed, failureOf, OK, State } from '#src/actors/control-plane/index.js';
import { ConfigError, ProtocolError, UnreachableError } from '#src/errors.js';
import { limits } from '#src/limits.js';
import { v1 } from '#src/protocol/index.js';
import { nextDraft, setUp } from './store-setup.js';

const { INITIALIZED, CREATED, RUNNING, COMPLETED, STOPPED, DESTROYED } = State;

describe('the state of the control plane', () => {
  describe('processes and names', () => {
    it('gives a launch its p_uid once, and no block of ids twice', () => {
      const { store, manager, worker } = setUp();
      expect(store.members.connect(v1.ConnectProcess.create({ launch: 'worker' })).pUid).to.equal(worker.pUid);
      expect(
        new Set([manager.ordinal, worker.ordinal, ...store.members.registerPartitions(worker.pUid, ['x', 'y'])]),
      ).to.have.property('size', 4);
      expect(() => store.members.connect(v1.ConnectProcess.create({}))).to.throw(ProtocolError, 'launch');
      store.retire(worker.pUid, 'it left');
      expect(store.members.connect(v1.ConnectProcess.create({ launch: 'worker' })).pUid).not.to.equal(worker.pUid);
    });

    it('refuses a name that is taken, and says who has it', () => {
      const { store, manager, worker } = setUp();
      const [one, other] = [
        v1.Ref.create({ cUid: 11n, service: 'shop.Pricing' }),
        v1.Ref.create({ cUid: 22n, service: 'shop.Stock' }),
      ];
      store.registerName(manager.pUid, 'pricing', one, { path: 'main-0/prices' });
      store.registerName(manager.pUid, 'pricing', one, { path: 'main-0/prices' });
      expect(() => store.registerName(worker.pUid, 'pricing', other))
        .to.throw(ConfigError)
        .with.property('message')
        .that.includes('the actor main-0/prices of shop.Pricing')
        .and.includes(store.members.shown(manager.pUid))
        .and.includes('this one of shop.Stock');
      expect(store.members.shown(manager.pUid)).to.include('process "manager"');
      store.names.unregister(manager.pUid, 'pricing', 22n);
      expect(store.names.lookup('pricing')).to.deep.equal(one);
      store.names.unregister(manager.pUid, 'pricing', 11n);
      store.registerName(worker.pUid, 'pricing', other);
      expect(store.names.list()).to.deep.equal([{ name: 'pricing', ref: other, isGroup: false }]);
    });

    it('retires a process with its names and partitions, once', () => {
      const { store, worker, of } = setUp();
      store.registerName(worker.pUid, 'pricing', v1.Ref.create({ cUid: 11n, service: 's' }));
      expect(store.members.locate(worker.ordinal, 0n)).to.equal('memory://worker');
      const next = nextDraft(store);
      expect(next.changes).to.deep.equal([]);
      expect(next.retire(worker.pUid, 'cut off')).to.include({ pUid: worker.pUid });
      expect(next.retire(worker.pUid, 'cut off')).to.equal(undefined);
      expect(next.names.lookup('pricing')).to.equal(undefined);
      expect(next.members.locate(worker.ordinal, 0n)).to.equal(undefined);
      expect(() => next.members.get(worker.pUid)).to.throw(UnreachableError, 'must connect again');
      expect(next.changes).to.have.length(2);
      expect(of('process').length + of('partition').length, 'the state before is as it was').to.equal(4);
    });
  });

  describe('pipelines', () => {
    it('go from start to end, and remember how they ended', () => {
      const { run, obey, of, pipeline } = setUp();
      const id = run();
      expect(pipeline(id)).to.include({ actual: RUNNING, requested: COMPLETED });
      expect(of('manifold')[0]?.detail.value).to.deep.include({ producers: [5 + 2], consumers: [8, 9] });
      obey();
      expect(pipeline(id)).to.deep.include({ actual: DESTROYED, outcome: OK });
      expect([...of('segment'), ...of('manifold')]).to.deep.equal([]);
    });

    it('are expanded once', () => {
      const { start, expand, ids } = setUp();
      const id = start();
      const before = ids('segment');
      expand(id);
      expect(ids('segment')).to.deep.equal(before);
    });

    it('fail with the first failure, and the others are stopped', () => {
      const { run, report, obey, ids, ownerOf, pipeline, of } = setUp();
      const id = run();
      const [read = 0, tally = 0] = ids('segment');
      report(ownerOf(tally), tally, STOPPED, failed({ code: 'HANDLER', message: 'first', segment: 'tally' }));
      report(ownerOf(read), read, STOPPED, failed({ code: 'HANDLER', message: 'second', segment: 'read' }));
      expect(of('segment').map(({ requested }) => requested)).to.deep.equal([DESTROYED, DESTROYED, STOPPED]);
      obey();
      expect(failureOf(pipeline(id)?.outcome)).to.include({ message: 'first', segment: 'tally' });
    });

    it('fail with what failed, and not with what its neighbour noticed of it, whichever is reported first', () => {
      const { store, run, report, obey, ids, ownerOf, pipeline, worker } = setUp();
      const id = run();
      const [read = 0] = ids('segment');
      const noticed = failed({ code: 'PIPELINE', message: 'a reader cannot be reached', segment: 'read' });
      report(ownerOf(read), read, STOPPED, noticed);
      store.retire(worker.pUid, 'it crashed');
      obey();
      expect(failureOf(pipeline(id)?.outcome)).to.include({ code: 'UNREACHABLE', segment: 'tally' });
    });

    it('have readers that wait no more for a writer that had completed when its process ended', () => {
      const { store, manager, worker, report, of } = setUp();
      const id = store.startPipeline(manager.pUid, 'hash', []);
      const ports = [v1.ManifoldPart.create({ port: 'rows', policy: 'round-robin' })];
      const [read, tally] = [
        v1.SegmentPart.create({ name: 'read', partition: worker.ordinal, egress: 'rows' }),
        v1.SegmentPart.create({ name: 'tally', partition: manager.ordinal, ingress: 'rows' }),
      ];
      store.pipelines.expand(v1.PipelineParts.create({ pipeline: id, manifolds: ports, segments: [read, tally] }));
      const [manifold, writer, reader] = [...of('manifold'), ...of('segment')].map((resource) => resource.id);
      report(manager.pUid, manifold ?? 0, CREATED);
      for (const state of [CREATED, RUNNING]) {
        report(worker.pUid, writer ?? 0, state);
        report(manager.pUid, reader ?? 0, state);
      }
      report(worker.pUid, writer ?? 0, COMPLETED, OK);
      store.retire(worker.pUid, 'it crashed');
      expect(of('manifold')[0]?.detail.value).to.deep.include({ producers: [], consumers: [reader], ended: [writer] });
      expect(failureOf(store.resource(id)?.outcome)).to.equal(undefined);
    });

    it('do not end well because a segment was cancelled by its own process', () => {
      const { store, run, report, obey, ids, ownerOf, pipeline, worker } = setUp();
      const id = run();
      const [, tally = 0] = ids('segment');
      expect(() => report(ownerOf(tally), tally, STOPPED, CANCELLED)).to.throw(ProtocolError);
      store.retire(worker.pUid, 'it left');
      obey();
      expect(failureOf(pipeline(id)?.outcome)).to.include({ code: 'UNREACHABLE', segment: 'tally' });
    });

    it('that are being stopped do not fail when a partition ends with a segment that had not stopped', () => {
      const { store, run, obey, ids, pipeline, worker } = setUp({
        onFailure: v1.FailurePolicy.RESTART,
        maxRestarts: 2,
      });
      const id = run();
      expect(ids('segment')).to.not.be.empty;
      store.pipelines.stop(id);
      store.retirePartition(worker.pUid, worker.ordinal, 'it hung');
      obey();
      expect(pipeline(id)?.outcome).to.deep.equal(CANCELLED);
      expect(pipeline(id)?.detail.value).to.have.property('restartedBy', undefined);
    });

    it('are restarted after a failure, as often as they may, and not after a stop', () => {
      const { store, run, expand, report, obey, ids, ownerOf, pipeline, of } = setUp({
        onFailure: v1.FailurePolicy.RESTART,
        maxRestarts: 2,
      });
      let id = run();
      const first = id;
      for (let attempt = 1; attempt <= 3; attempt += 1) {
        const [read = 0] = ids('segment');
        report(ownerOf(read), read, STOPPED, failed({ message: `attempt ${attempt}` }));
        obey();
        const { detail } = pipeline(id) ?? {};
        const next = detail?.case === 'pipeline' ? detail.value.restartedBy : undefined;
        expect(next === undefined).to.equal(attempt === 3);
        if (next !== undefined) {
          expect(store.resource(next)?.detail.value).to.include({ restartOf: id, restartsLeft: 2 - attempt });
          id = next;
          expand(id);
          obey(CREATED);
        }
      }
      expect(of('pipeline')).to.have.length(3);
      const other = run();
      store.pipelines.stop(first);
      store.pipelines.stop(other);
      obey();
      expect(pipeline(other)?.outcome).to.deep.equal(CANCELLED);
      expect(of('pipeline')).to.have.length(4);
    });

    it('are stopped at any time, and again', () => {
      const { store, start, obey, pipeline } = setUp();
      const unexpanded = store.startPipeline(4294967296n, 'hash', []);
      store.pipelines.stop(unexpanded);
      store.pipelines.stop(unexpanded);
      expect(pipeline(unexpanded)).to.deep.include({ actual: DESTROYED, outcome: CANCELLED });
      const id = start();
      store.pipelines.stop(id);
      obey();
      expect(pipeline(id)).to.deep.include({ actual: DESTROYED, outcome: CANCELLED });
      expect(() => store.pipelines.stop(999)).to.throw(ConfigError, '999');
    });

    it('end with the process that started them', () => {
      const { store, manager, worker, start, obey, pipeline } = setUp();
      const id = start(worker.pUid);
      const other = start(manager.pUid);
      store.retire(worker.pUid, 'it left');
      obey();
      expect(pipeline(id)?.actual).to.equal(DESTROYED);
      expect(failureOf(pipeline(other)?.outcome)).to.include({ code: 'UNREACHABLE' });
    });

    it('fail when a partition has gone between placement and start', () => {
      const { store, manager, worker, expand, obey, pipeline, of } = setUp();
      const id = store.startPipeline(manager.pUid, 'hash', []);
      store.retire(worker.pUid, 'it left');
      expand(id);
      obey();
      expect(failureOf(pipeline(id)?.outcome)).to.include({ code: 'UNREACHABLE', segment: 'tally' });
      expect(of('segment')).to.deep.equal([]);
    });

    it('that cannot be placed fail with the reason', () => {
      const { store, manager, pipeline } = setUp();
      const id = store.startPipeline(manager.pUid, 'hash', []);
      const reason = v1.Failure.create({ code: 'CONFIG', message: 'no such partition' });
      store.pipelines.expand(v1.PipelineParts.create({ pipeline: id, failed: reason }));
      expect(pipeline(id)).to.deep.include({ actual: DESTROYED, outcome: failed(reason) });
    });

    it('are remembered up to a limit', () => {
      const { store, manager, of } = setUp();
      const first = store.startPipeline(manager.pUid, 'hash', []);
      store.pipelines.stop(first);
      for (let count = 0; count < limits.endedPipelines; count += 1) {
        store.pipelines.define(manager.pUid, `hash ${count}`, v1.PipelineDefinition.create({}));
        store.pipelines.stop(store.startPipeline(manager.pUid, 'hash', []));
      }
      expect(of('pipeline')).to.have.length(limits.endedPipelines);
      expect(store.resource(first)).to.equal(undefined);
      expect(store.pipelines.definition('hash').name, 'one in use').to.equal('flights');
      expect(() => store.pipelines.definition('hash 0'), 'the oldest unused').to.throw(ConfigError);
    });
  });

  describe('instances', () => {
    it('are added to what runs, where they are asked for', () => {
      const { store, run, worker, of, ids, pipeline, obey } = setUp();
      const id = run();
      const added = store.pipelines.addInstance(id, 'tally', worker.ordinal);
      expect(store.resource(added)?.detail.value).to.include({ instance: 2, partition: worker.ordinal });
      expect(of('manifold')[0]?.detail.value).to.deep.include({ consumers: ids('segment').slice(1) });
      expect(() => store.pipelines.addInstance(id, 'nothing', undefined)).to.throw(ConfigError, '"nothing"');
      expect(() => store.pipelines.addInstance(99, 'tally', undefined)).to.throw(ConfigError, '99');
      expect(() => store.pipelines.addInstance(id, 'tally', 77)).to.throw(UnreachableError, '77');
      obey();
      expect(pipeline(id)?.outcome).to.deep.equal(OK);
      expect(() => store.pipelines.addInstance(id, 'tally', undefined)).to.throw(ConfigError);
    });

    it('are not added to what ends', () => {
      const { store, run } = setUp();
      const id = run();
      store.pipelines.stop(id);
      expect(() => store.pipelines.addInstance(id, 'tally', undefined)).to.throw(ConfigError, 'is ending');
    });

    it('are drained one by one, the last reader apart', () => {
      const { store, run, report, ids, ownerOf, of, pipeline } = setUp();
      const id = run();
      const [read = 0, one = 0, other = 0] = ids('segment');
      expect(() => store.pipelines.drain(read)).to.throw(ConfigError, 'reads from no port');
      expect(() => store.pipelines.drain(99)).to.throw(ConfigError, '99');
      store.pipelines.drain(one);
      store.pipelines.drain(one);
      expect(store.resource(one)?.detail.value).to.include({ isDraining: true });
      expect(of('manifold')[0]?.detail.value).to.deep.include({ consumers: [other] });
      expect(() => store.pipelines.drain(other)).to.throw(ConfigError, 'last reader');
      report(ownerOf(one), one, COMPLETED, OK);
      expect(store.pipelines.addInstance(id, 'tally', undefined)).to.be.greaterThan(other);
      report(ownerOf(one), one, DESTROYED);
      expect(pipeline(id)?.actual).to.equal(RUNNING);
    });

    it('are gone at once when they are drained before their partition was asked for them', () => {
      const { store, start, ids, obey, pipeline } = setUp();
      const id = start();
      const [read = 0, one = 0, other = 0] = ids('segment');
      store.pipelines.drain(one);
      expect(ids('segment')).to.deep.equal([read, other]);
      obey();
      expect(pipeline(id)?.outcome).to.deep.equal(OK);
    });
  });

  describe('reports', () => {
    it('are taken once, of the owner only, and of what it owns', () => {
      const { store, run, report, ids, manager, worker } = setUp();
      const id = run();
      const [read = 0, tally = 0] = ids('segment');
      const again = nextDraft(store);
      for (const actual of [RUNNING, CREATED]) {
        again.report(v1.ResourceReport.create({ pUid: worker.pUid, tag: 1, id: tally, actual }));
      }
      expect(again.changes, 'nothing new').to.deep.equal([]);
      expect(() => report(worker.pUid, read, COMPLETED, OK)).to.throw(ProtocolError, 'does not own');
      expect(() => report(manager.pUid, id, STOPPED, OK)).to.throw(ProtocolError, 'does not own');
      expect(() => report(worker.pUid, tally, DESTROYED)).to.throw(ProtocolError, 'only completed was requested');
      expect(() => report(99n, tally, COMPLETED)).to.throw(UnreachableError);
      report(worker.pUid, 999, DESTROYED);
      expect(store.resource(tally)).to.include({ actual: RUNNING, requested: COMPLETED });
    });

    it('of a manifold tell its segments where its actor is', () => {
      const { store, start, worker, ids } = setUp();
      start();
      const [manifold = 0] = ids('manifold');
      const actor = v1.Ref.create({ cUid: 5n, service: 'millrace.v1.ManifoldService' });
      store.report(v1.ResourceReport.create({ pUid: worker.pUid, tag: 1, id: manifold, actual: CREATED, actor }));
      for (const segment of ids('segment')) {
        const detail = store.resource(segment)?.detail;
        expect(detail?.case === 'segment' && detail.value.ports.map((port) => port.actor)).to.deep.equal([actor]);
        expect(store.resource(segment)).to.include({ requested: CREATED, actual: INITIALIZED });
      }
    });
  });
});
