import { expect } from 'chai';
import { OK, State } from '#src/actors/control-plane/index.js';
import { ResourceTable } from '#src/actors/control-plane/resource-table.js';
import { ControlPlaneStore } from '#src/actors/control-plane/store.js';
import { v1 } from '#src/protocol/index.js';

/** Counts the resources that the store reads or writes while `work` runs. */
function stepsOf(work: () => void): number {
  let steps = 0;
  // oxlint-disable-next-line typescript/unbound-method -- each is applied to the table that it was called on.
  const { get, put, remove, entries } = ResourceTable.prototype;
  const counting = <Args extends unknown[], Result>(
    method: (...args: Args) => Result,
    cost: (result: Result) => number,
  ) =>
    function (this: ResourceTable, ...args: Args): Result {
      const result = Reflect.apply(method, this, args);
      steps += cost(result);
      return result;
    };
  const one = (): number => 1;
  const originals = { get, put, remove, entries };
  Object.assign(ResourceTable.prototype, {
    get: counting(get, one),
    put: counting(put, one),
    remove: counting(remove, one),
    entries: counting(entries, (found: readonly unknown[]) => 1 + found.length),
  });
  try {
    work();
  } finally {
    Object.assign(ResourceTable.prototype, originals);
  }
  return steps;
}

function process(store: ControlPlaneStore, launch: string) {
  const { pUid } = store.connect(v1.ConnectProcess.create({ launch, name: launch, managesPipelines: launch === 'm' }));
  const [ordinal = 0] = store.registerPartitions(pUid, [`memory://${launch}`]);
  store.activate(pUid, v1.Ref.create({ cUid: pUid, service: 'client' }), [v1.Ref.create({ cUid: pUid + 1n })]);
  return { pUid, ordinal };
}

/** A chain of segments, from start to end: each part does what is requested of it, one after the other. */
function runChain(length: number): void {
  const store = new ControlPlaneStore();
  const { pUid, ordinal } = process(store, 'm');
  store.pipelines.define(0n, 'hash', v1.PipelineDefinition.create({ name: 'chain' }));
  const pipeline = store.startPipeline(pUid, 'hash', []);
  const port = (index: number): string => (index > 0 && index < length ? `port-${index}` : '');
  store.pipelines.expand(
    v1.PipelineParts.create({
      pipeline,
      manifolds: Array.from({ length: length - 1 }, (_, index) => v1.ManifoldPart.create({ port: port(index + 1) })),
      segments: Array.from({ length }, (_, index) =>
        v1.SegmentPart.create({
          name: `s-${index}`,
          partition: ordinal,
          ingress: port(index),
          egress: port(index + 1),
        }),
      ),
    }),
  );
  const isPart = ({ detail }: v1.Resource): boolean => detail.case === 'segment' || detail.case === 'manifold';
  for (let changed = store.takeChanges(); changed.length > 0; changed = store.takeChanges()) {
    for (const id of changed) {
      const resource = store.resource(id);
      if (resource === undefined || !isPart(resource) || resource.actual >= resource.requested) continue;
      const actor = v1.Ref.create({ cUid: BigInt(id), service: 'manifold' });
      store.report(v1.ResourceReport.create({ pUid, tag: 1, id, actual: resource.requested, outcome: OK, actor }));
    }
  }
  expect(store.resource(pipeline)?.actual).to.equal(State.DESTROYED);
}

/** Processes with ten names each, which join and end. */
function runProcesses(count: number): void {
  const store = new ControlPlaneStore();
  const joined = Array.from({ length: count }, (_, index) => process(store, `p-${index}`));
  for (const { pUid } of joined) {
    for (let name = 0; name < 10; name++) {
      store.registerName(pUid, `${pUid}/${name}`, v1.Ref.create({ cUid: BigInt(name) + 100n, service: 's' }));
    }
  }
  for (const { pUid, ordinal } of joined) {
    store.locate(ordinal, 0n);
    store.retire(pUid, 'it left');
  }
  expect([...store.resources()]).to.deep.equal([]);
}

describe('the work of the control plane', () => {
  const cases: readonly (readonly [string, (size: number) => void, number])[] = [
    ['the segments of a pipeline', runChain, 4_000],
    ['processes with their names', runProcesses, 1_000],
  ];

  for (const [what, run, most] of cases) {
    it(`grows with the number of ${what}, and no faster`, function () {
      this.timeout(20_000);
      const few = stepsOf(() => run(most / 10));
      const many = stepsOf(() => run(most));
      expect(many / few).to.be.within(8, 12);
    });
  }
});
