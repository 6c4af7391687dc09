import { OK, State } from '#src/actors/control-plane/index.js';
import { Draft, initialState } from '#src/actors/control-plane/state/index.js';
import { v1 } from '#src/protocol/index.js';

const { CREATED, RUNNING, DESTROYED } = State;

/** The state as `draft` leaves it, to be changed by the next event. */
export function nextDraft(draft: Draft): Draft {
  return new Draft({ server: initialState().server, ...draft.state });
}

/** A store with a managing process and a worker, of one partition each. */
export function setUp(definition: v1.PipelineDefinitionInit = {}) {
  const store = new Draft(initialState());
  const join = (launch: string) => {
    const { pUid } = store.members.connect(v1.ConnectProcess.create({ launch, name: launch }));
    const [ordinal = 0] = store.members.registerPartitions(pUid, [`memory://${launch}`]);
    store.members.activate(pUid, v1.Ref.create({ cUid: pUid, service: 'client' }), [
      v1.Ref.create({ cUid: pUid + 1n }),
    ]);
    return { pUid, ordinal };
  };
  const [manager, worker] = [join('manager'), join('worker')];
  store.pipelines.define(0n, 'hash', v1.PipelineDefinition.create({ name: 'flights', ...definition }));

  const report = (pUid: bigint, id: number, actual: State, outcome?: v1.Outcome): void =>
    store.report(v1.ResourceReport.create({ pUid, tag: 1, id, actual, outcome }));
  const of = (kind: v1.Resource['detail']['case']): v1.Resource[] =>
    [...store.resources()].filter(({ detail }) => detail.case === kind);
  const ids = (kind: v1.Resource['detail']['case']): number[] => of(kind).map(({ id }) => id);
  const pipeline = (id: number): v1.Resource | undefined => store.resource(id);

  /** read -> 2 x tally, the second tally at the manager; brought up to `actual`. */
  const start = (startedBy = worker.pUid): number => {
    const id = store.startPipeline(startedBy, 'hash', []);
    expand(id);
    return id;
  };
  const expand = (id: number): void => {
    store.pipelines.expand(
      v1.PipelineParts.create({
        pipeline: id,
        manifolds: [v1.ManifoldPart.create({ port: 'rows', policy: 'round-robin' })],
        segments: [
          v1.SegmentPart.create({ name: 'read', partition: manager.ordinal, egress: 'rows' }),
          v1.SegmentPart.create({ name: 'tally', partition: worker.ordinal, ingress: 'rows' }),
          v1.SegmentPart.create({ name: 'tally', instance: 1, partition: manager.ordinal, ingress: 'rows' }),
        ],
      }),
    );
  };
  const ownerOf = (part: number): bigint => {
    const detail = store.resource(part)?.detail;
    if (detail?.case === 'manifold') {
      const pipeline = store.resource(detail.value.pipeline)?.detail;
      return pipeline?.case === 'pipeline' ? pipeline.value.startedBy : 0n;
    }
    return detail?.case === 'segment' && detail.value.partition === worker.ordinal ? worker.pUid : manager.pUid;
  };
  /** All parts do what is requested of them, until nothing more is. */
  const obey = (upTo: State = DESTROYED): void => {
    for (let isDone = false; !isDone; ) {
      isDone = true;
      for (const { id, requested, actual } of [...of('manifold'), ...of('segment')]) {
        if (actual < requested && requested <= upTo && store.resource(id)?.actual === actual) {
          isDone = false;
          report(ownerOf(id), id, requested, OK);
        }
      }
    }
  };
  const run = (): number => {
    const id = start();
    obey(CREATED);
    for (const segment of ids('segment')) report(ownerOf(segment), segment, RUNNING);
    return id;
  };
  return { store, manager, worker, start, expand, run, obey, report, of, ids, ownerOf, pipeline };
}
