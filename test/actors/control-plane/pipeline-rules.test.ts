import { expect } from 'chai';
import fc from 'fast-check';
import { CANCELLED, failed, OK, State } from '#src/actors/control-plane/index.js';
import { counted, NO_PARTS } from '#src/actors/control-plane/state/pipeline-parts.js';
import { actualIn, outcomeIn, phaseOf, requestFor } from '#src/actors/control-plane/state/pipeline-rules.js';
import { unasked } from '#src/actors/control-plane/state/pipeline-outcomes.js';
import { v1 } from '#src/protocol/index.js';

interface Case {
  readonly pipeline: State;
  readonly manifolds?: readonly State[];
  readonly segments?: readonly State[];
  readonly failure?: v1.Failure;
  readonly isStopRequested?: boolean;
}

/** Manifolds have ids from 10, segments from 20. */
function resource(id: number, actual: State): v1.Resource {
  const detail: v1.Resource['detail'] =
    id < 20 ? { case: 'manifold', value: v1.Manifold.create({}) } : { case: 'segment', value: v1.Segment.create({}) };
  return v1.Resource.create({ id, actual, requested: State.INITIALIZED, detail });
}

/** What is requested of each part, and what becomes of the pipeline. */
function verdict(present: State, parts: readonly v1.Resource[], given: Pick<Case, 'failure' | 'isStopRequested'>) {
  const tally = parts.reduce((sum, part) => counted(sum, part, 1), NO_PARTS);
  const situation = { present, tally, failure: given.failure, isStopRequested: given.isStopRequested ?? false };
  const phase = phaseOf(situation);
  const requests = parts.flatMap((part) => {
    const requested = requestFor(phase, part);
    return requested === undefined ? [] : [[part.id, requested] as const];
  });
  return { phase, requests, actual: actualIn(phase, present), outcome: outcomeIn(phase, situation) };
}

function rules({ pipeline, manifolds = [], segments = [], ...given }: Case) {
  const parts = [
    ...manifolds.map((actual, index) => resource(10 + index, actual)),
    ...segments.map((actual, index) => resource(20 + index, actual)),
  ];
  const { requests, actual, outcome } = verdict(pipeline, parts, given);
  return { requests: Object.fromEntries(requests), actual, outcome };
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
    const parts = [resource(10, CREATED), { ...resource(20, STOPPED), outcome: CANCELLED }, resource(21, COMPLETED)];
    expect(verdict(RUNNING, parts, {}).phase).to.equal('cancelled');
    expect(unasked(v1.Segment.create({ name: 'read' })).message).to.include('no stop was requested');
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
            const parts = [...actual].map(([id, state]) => resource(id, state));
            const next = verdict(pipeline, parts, cause === undefined ? {} : { failure: cause });
            if (next.actual > pipeline) pipeline = next.actual;
            for (const [id, wanted] of next.requests) {
              const before = requested.get(id) ?? INITIALIZED;
              if (wanted > before) requested.set(id, wanted);
            }
            const behind = [...actual].filter(([id, state]) => state < (requested.get(id) ?? INITIALIZED));
            const [answering] = behind[draw(Math.max(1, behind.length))] ?? [];
            if (answering !== undefined) {
              const goal = requested.get(answering) ?? INITIALIZED;
              if (goal === DESTROYED) actual.delete(answering);
              else actual.set(answering, goal);
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
