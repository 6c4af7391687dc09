import { expect } from 'chai';
import fc from 'fast-check';
import { CANCELLED, failed, OK, State } from '#src/actors/control-plane/index.js';
import { type PipelineEntries, pipelineRules } from '#src/actors/control-plane/pipeline-rules.js';
import { v1 } from '#src/protocol/index.js';

interface Case {
  readonly pipeline: State;
  readonly manifolds?: readonly State[];
  readonly segments?: readonly State[];
  readonly failure?: v1.Failure;
  readonly isStopRequested?: boolean;
}

function resource(id: number, actual: State): v1.Resource {
  return v1.Resource.create({ id, actual, requested: State.INITIALIZED });
}

/** Manifolds have ids from 10, segments from 20. */
function entriesOf({
  pipeline,
  manifolds = [],
  segments = [],
  failure,
  isStopRequested = false,
}: Case): PipelineEntries {
  return {
    pipeline: { resource: resource(1, pipeline), detail: v1.Pipeline.create({}) },
    manifolds: manifolds.map((actual, index) => ({
      resource: resource(10 + index, actual),
      detail: v1.Manifold.create({}),
    })),
    segments: segments.map((actual, index) => ({
      resource: resource(20 + index, actual),
      detail: v1.Segment.create({}),
    })),
    failure,
    isStopRequested,
  };
}

function rules(given: Case) {
  const { requests, actual, outcome } = pipelineRules(entriesOf(given));
  return { requests: Object.fromEntries(requests.map(({ id, requested }) => [id, requested])), actual, outcome };
}

const failure = v1.Failure.create({ code: 'HANDLER', message: 'it broke' });
const { INITIALIZED, CREATING, CREATED, RUNNING, COMPLETED, STOPPING, STOPPED, DESTROYED } = State;

describe('the rules of a pipeline', () => {
  it('ask for nothing before its parts are there', () => {
    expect(rules({ pipeline: INITIALIZED })).to.deep.equal({ requests: {}, actual: INITIALIZED, outcome: undefined });
  });

  it('end one that is stopped before that', () => {
    const { actual, outcome } = rules({ pipeline: INITIALIZED, isStopRequested: true });
    expect([actual, outcome]).to.deep.equal([DESTROYED, CANCELLED]);
  });

  it('fail one of which a segment was cancelled, though nobody asked for that', () => {
    const entries = entriesOf({ pipeline: RUNNING, manifolds: [CREATED], segments: [STOPPED, COMPLETED] });
    const segments = entries.segments.map((entry, index) =>
      index > 0 ? entry : { ...entry, resource: { ...entry.resource, outcome: CANCELLED } },
    );
    expect(pipelineRules({ ...entries, segments }).failure?.message).to.include('no stop was requested');
  });

  it('create the manifolds, then the segments, then run all', () => {
    const pipeline = CREATING;
    expect(rules({ pipeline, manifolds: [INITIALIZED, CREATED], segments: [INITIALIZED] }).requests).to.deep.equal({
      10: CREATED,
      11: CREATED,
    });
    expect(rules({ pipeline, manifolds: [CREATED], segments: [INITIALIZED, CREATED] }).requests).to.deep.equal({
      10: CREATED,
      20: CREATED,
      21: CREATED,
    });
    const last = rules({ pipeline, manifolds: [CREATED], segments: [CREATED, CREATED] });
    expect(last.requests).to.deep.equal({ 10: CREATED, 20: COMPLETED, 21: COMPLETED });
    expect(last.actual).to.equal(RUNNING);
  });

  it('let an instance that joins later run as soon as it is created', () => {
    const pipeline = RUNNING;
    const created = rules({ pipeline, manifolds: [CREATED], segments: [RUNNING, INITIALIZED, CREATED] });
    expect(created.requests).to.deep.equal({ 10: CREATED, 20: COMPLETED, 21: CREATED, 22: COMPLETED });
    expect(created.actual).to.equal(RUNNING);
  });

  it('let each segment that has ended go, and the rest go on', () => {
    const { requests } = rules({ pipeline: RUNNING, manifolds: [CREATED], segments: [COMPLETED, RUNNING] });
    expect(requests).to.deep.equal({ 10: CREATED, 20: DESTROYED, 21: COMPLETED });
  });

  it('end it when all have ended: segments first, manifolds then, the outcome last', () => {
    const first = rules({ pipeline: RUNNING, manifolds: [CREATED], segments: [COMPLETED, COMPLETED] });
    expect(first).to.deep.equal({ requests: { 20: DESTROYED, 21: DESTROYED }, actual: STOPPING, outcome: undefined });
    expect(rules({ pipeline: STOPPING, manifolds: [CREATED] })).to.deep.equal({
      requests: { 10: DESTROYED },
      actual: STOPPED,
      outcome: OK,
    });
    expect(rules({ pipeline: STOPPED, manifolds: [] })).to.deep.include({ actual: DESTROYED, outcome: OK });
  });

  it('stop all that runs after a failure, and destroy what was not made yet or has ended', () => {
    const given = {
      pipeline: RUNNING,
      manifolds: [CREATED],
      segments: [RUNNING, STOPPED, COMPLETED, INITIALIZED, CREATED],
    };
    expect(rules({ ...given, failure }).requests).to.deep.equal({
      20: STOPPED,
      21: DESTROYED,
      22: DESTROYED,
      23: DESTROYED,
      24: STOPPED,
    });
    expect(rules({ pipeline: STOPPED, failure })).to.deep.include({ actual: DESTROYED, outcome: failed(failure) });
    expect(rules({ pipeline: STOPPED, isStopRequested: true })).to.deep.include({ outcome: CANCELLED });
    expect(rules({ pipeline: STOPPED, isStopRequested: true, failure }).outcome).to.deep.equal(failed(failure));
  });

  it('lead every pipeline to its end, whatever order its parts answer in', () => {
    fc.assert(
      fc.property(
        fc.infiniteStream(fc.nat(999)),
        fc.nat(3),
        fc.nat(4),
        fc.boolean(),
        (chance, manifolds, segments, fails) => {
          const draw = (bound: number): number => (chance.next().value ?? 0) % bound;
          const actual = new Map<number, State>();
          const requested = new Map<number, State>();
          for (let index = 0; index < manifolds; index += 1) actual.set(10 + index, INITIALIZED);
          for (let index = 0; index < segments; index += 1) actual.set(20 + index, INITIALIZED);
          let pipeline: State = CREATING;
          let cause: v1.Failure | undefined;
          for (let turn = 0; pipeline < DESTROYED; turn += 1) {
            expect(turn, 'turns').to.be.lessThan(500);
            const entries: PipelineEntries = {
              pipeline: { resource: resource(1, pipeline), detail: v1.Pipeline.create({}) },
              manifolds: [...actual]
                .filter(([id]) => id < 20)
                .map(([id, state]) => ({ resource: resource(id, state), detail: v1.Manifold.create({}) })),
              segments: [...actual]
                .filter(([id]) => id >= 20)
                .map(([id, state]) => ({ resource: resource(id, state), detail: v1.Segment.create({}) })),
              failure: cause,
              isStopRequested: false,
            };
            const verdict = pipelineRules(entries);
            if (verdict.actual > pipeline) pipeline = verdict.actual;
            for (const request of verdict.requests) {
              const before = requested.get(request.id) ?? INITIALIZED;
              if (request.requested > before) requested.set(request.id, request.requested);
            }
            const behind = [...actual].filter(([id, state]) => state < (requested.get(id) ?? INITIALIZED));
            const next = behind[draw(Math.max(1, behind.length))];
            if (next !== undefined) {
              const goal = requested.get(next[0]) ?? INITIALIZED;
              if (goal === DESTROYED) actual.delete(next[0]);
              else actual.set(next[0], goal);
            }
            if (fails && cause === undefined && pipeline < STOPPING && draw(10) === 0) cause = failure;
          }
          expect([...actual.keys()]).to.deep.equal([]);
        },
      ),
      { numRuns: 300 },
    );
  });
});
