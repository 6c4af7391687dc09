import { expect } from 'chai';
import fc from 'fast-check';
import { failed, OK, State } from '#src/actors/control-plane/index.js';
import {
  apply,
  type Content,
  type ControlPlaneState,
  type Effect,
  type EventKind,
  initialState,
} from '#src/actors/control-plane/state/index.js';
import { MillraceError } from '#src/errors.js';
import { v1 } from '#src/protocol/index.js';

type Logged = { readonly [Kind in EventKind]: { readonly kind: Kind; readonly content: Content<Kind> } }[EventKind];

/** The p_uids and ordinals that a control plane of incarnation 0n gives first, and one that it has not given. */
const pUid = fc.integer({ min: 0, max: 4 }).map((index) => 2n ** 32n + BigInt(index));
const ordinal = fc.integer({ min: 1, max: 5 });
/** Ids of resources begin at 1. */
const id = fc.integer({ min: 1, max: 40 });
const tag = fc.integer({ min: 0, max: 400 });
const name = fc.constantFrom('one', 'two', 'pool', 'x'.repeat(300));
const ref = fc.integer({ min: 1, max: 5 }).map((cUid) => v1.Ref.create({ cUid: BigInt(cUid), service: 's' }));
const definition = fc
  .constantFrom('p', 'q')
  .map((of) =>
    v1.PipelineDefinition.create({ name: of, onFailure: v1.FailurePolicy.RESTART, maxRestarts: of === 'p' ? 1 : 0 }),
  );
const actual = fc.constantFrom(State.CREATED, State.RUNNING, State.COMPLETED, State.STOPPED, State.DESTROYED);
const outcome = fc.constantFrom(undefined, OK, failed({ code: 'HANDLER', message: 'it threw' }));
const launch = fc.constantFrom('a', 'b', 'c', '');

/** Requests of a process, which may not be there, or may have sent them before. */
const request = fc.record({ pUid, tag });

const event: fc.Arbitrary<Logged> = fc.oneof(
  launch.map((each) => ({ kind: 'connect' as const, content: v1.ConnectProcess.create({ launch: each, name: 'n' }) })),
  fc.record({ epoch: fc.integer({ min: 0, max: 9 }), incarnation: fc.constantFrom(0n, 7n) }).map((server) => ({
    kind: 'succeed' as const,
    content: v1.ServerIdentity.create(server),
  })),
  fc.record({ pUid, launch, ordinal, client: ref }).map(({ launch: each, ordinal: block, ...announced }) => ({
    kind: 'announce' as const,
    content: v1.Announcement.create({
      ...announced,
      process: v1.ConnectProcess.create({ launch: each, name: 'n' }),
      partitions: [v1.AnnouncedPartition.create({ ordinal: block, address: 'memory://n', segmentsManager: ref1 })],
    }),
  })),
  fc.record({ request, name, ref, isStandby: fc.boolean() }).map(({ request: own, ...entry }) => ({
    kind: 'registerNames' as const,
    content: v1.NamesToRegister.create({ ...own, names: [v1.AnnouncedName.create({ ...entry, place: 1 })] }),
  })),
  fc
    .record({ request, id, state: actual, partition: ordinal })
    .map(({ request: own, id: first, state, partition }) => ({
      kind: 'announcePipelines' as const,
      content: v1.PipelinesToAnnounce.create({ ...own, resources: announced(own.pUid, first, state, partition) }),
    })),
  fc.constant({ kind: 'recoveryEnded' as const, content: {} }),
  request.map((own) => ({
    kind: 'registerPartitions' as const,
    content: v1.PartitionsToRegister.create({ ...own, addresses: ['memory://n/1', 'memory://n/2'] }),
  })),
  fc.record({ request, client: ref }).map(({ request: own, client }) => ({
    kind: 'activate' as const,
    content: v1.ActivateProcess.create({ ...own, client, segmentsManagers: [ref1, ref1] }),
  })),
  fc.record({ request, ordinal, cause: fc.constant('it ended') }).map(({ request: own, ...content }) => ({
    kind: 'retirePartition' as const,
    content: v1.PartitionToRetire.create({ ...own, ...content }),
  })),
  fc.record({ pUid, cause: fc.constant('it left'), isLost: fc.boolean() }).map((content) => ({
    kind: 'retire' as const,
    content,
  })),
  fc
    .record({ request, name, ref, isGroup: fc.boolean(), isStandby: fc.boolean() })
    .map(({ request: own, ...entry }) => ({
      kind: 'registerName' as const,
      content: v1.NameToRegister.create({ ...own, ...entry }),
    })),
  fc.record({ request, name, ref, isGroup: fc.boolean() }).map(({ request: own, ref: { cUid }, ...entry }) => ({
    kind: 'unregisterName' as const,
    content: v1.NameToUnregister.create({ ...own, ...entry, cUid }),
  })),
  fc.record({ request, definition }).map(({ request: own, definition: each }) => ({
    kind: 'registerDefinition' as const,
    content: v1.DefinitionToRegister.create({ ...own, definition: each }),
  })),
  fc.record({ request, hash: fc.constantFrom(...hashes(), 'unknown') }).map(({ request: own, hash }) => ({
    kind: 'startPipeline' as const,
    content: v1.PipelineToStart.create({ ...own, definition: hash }),
  })),
  fc.record({ request, pipeline: id }).map(({ request: own, pipeline }) => ({
    kind: 'stopPipeline' as const,
    content: v1.PipelineToStop.create({ ...own, pipeline }),
  })),
  fc.record({ request, pipeline: id, partition: ordinal }).map(({ request: own, pipeline, partition }) => ({
    kind: 'expandPipeline' as const,
    content: v1.PipelineParts.create({
      ...own,
      pipeline,
      manifolds: [v1.ManifoldPart.create({ port: 'rows', policy: 'round-robin' })],
      segments: [
        v1.SegmentPart.create({ name: 'read', partition, egress: 'rows' }),
        v1.SegmentPart.create({ name: 'sum', partition, ingress: 'rows' }),
      ],
    }),
  })),
  fc.record({ request, pipeline: id, segment: fc.constantFrom('read', 'sum') }).map(({ request: own, ...content }) => ({
    kind: 'addInstance' as const,
    content: v1.InstanceToAdd.create({ ...own, ...content }),
  })),
  fc.record({ request, segment: id }).map(({ request: own, segment }) => ({
    kind: 'drainSegment' as const,
    content: v1.SegmentToDrain.create({ ...own, segment }),
  })),
  fc.record({ request, id, actual, outcome, actor: ref }).map(({ request: own, ...content }) => ({
    kind: 'report' as const,
    content: v1.ResourceReport.create({ ...own, ...content }),
  })),
);

const ref1 = v1.Ref.create({ cUid: 9n, service: 's' });

function hashes(): string[] {
  return ['p', 'q'].map((of) => {
    const content = v1.DefinitionToRegister.create({
      pUid: 2n ** 32n,
      tag: 1,
      definition: v1.PipelineDefinition.create({
        name: of,
        onFailure: v1.FailurePolicy.RESTART,
        maxRestarts: of === 'p' ? 1 : 0,
      }),
    });
    const { state } = apply(initialState(), 'connect', v1.ConnectProcess.create({ launch: 'a', name: 'n' }));
    const { answer } = apply(state, 'registerDefinition', content);
    return 'reply' in answer ? (answer.reply.hash ?? '') : '';
  });
}

/** A pipeline of a process, with a manifold and a segment. */
function announced(startedBy: bigint, id: number, state: State, partition: number): v1.Resource[] {
  const part = { requested: State.COMPLETED, actual: state };
  const ports = [v1.PortAssignment.create({ port: 'rows', manifold: id + 1, isEgress: true, actor: ref1 })];
  return [
    { ...part, id, detail: { case: 'pipeline' as const, value: v1.Pipeline.create({ startedBy, name: 'p' }) } },
    { ...part, id: id + 1, detail: { case: 'manifold' as const, value: v1.Manifold.create({ pipeline: id }) } },
    { ...part, id: id + 2, detail: { case: 'segment' as const, value: segment(id, partition, ports) } },
  ].map((each) => v1.Resource.create(each));
}

function segment(pipeline: number, partition: number, ports: v1.PortAssignment[]): v1.Segment {
  return v1.Segment.create({ pipeline, name: 'read', partition, ports });
}

/** Processes that are active, so that most of what follows finds something. */
const BEGINNING: readonly Logged[] = [0, 1].flatMap((index): Logged[] => {
  const own = { pUid: 2n ** 32n + BigInt(index), tag: 1 };
  const launched = 'ab'[index] ?? '';
  return [
    { kind: 'connect', content: v1.ConnectProcess.create({ launch: launched, name: 'n' }) },
    { kind: 'registerPartitions', content: v1.PartitionsToRegister.create({ ...own, addresses: [launched, 'x'] }) },
    { kind: 'activate', content: v1.ActivateProcess.create({ ...own, client: ref1, segmentsManagers: [ref1, ref1] }) },
  ];
});

const log = fc.array(event, { maxLength: 80 }).map((events) => [...BEGINNING, ...events]);

function applied(state: ControlPlaneState, { kind, content }: Logged) {
  return apply(state, kind, content);
}

/** Freezes a value with all that it has, so that a write to it throws. */
function frozen<T>(value: T, known = new Set<unknown>()): T {
  if (typeof value !== 'object' || value === null || known.has(value) || ArrayBuffer.isView(value)) return value;
  known.add(value);
  for (const each of Object.values(value)) frozen(each, known);
  return Object.freeze(value);
}

describe('an event of the control plane', () => {
  it('makes another state, and changes none; a log that is replayed gives an equal state and the same effects', () => {
    fc.assert(
      fc.property(log, (events) => {
        let state = frozen(initialState());
        const effects: (readonly Effect[])[] = [];
        const known = new Set<unknown>();
        for (const each of events) {
          const next = applied(state, frozen(each));
          state = frozen(next.state, known);
          effects.push(next.effects);
        }
        let again = initialState();
        for (const [index, each] of events.entries()) {
          const next = applied(again, each);
          expect(next.effects).to.deep.equal(effects[index]);
          again = next.state;
        }
        expect(again).to.deep.equal(state);
      }),
      { numRuns: 150 },
    );
  });

  it('that is refused is answered with an error of ours, has no effects and changes nothing', () => {
    fc.assert(
      fc.property(log, (events) => {
        let state = initialState();
        for (const each of events) {
          const next = applied(state, each);
          if ('error' in next.answer) {
            expect(next.answer.error).to.be.instanceOf(MillraceError);
            expect(next.state).to.equal(state);
            expect(next.effects).to.deep.equal([]);
          }
          state = next.state;
        }
      }),
      { numRuns: 150 },
    );
  });

  it('that a process sends again is answered as before, and changes nothing', () => {
    let state = initialState();
    for (const each of BEGINNING) ({ state } = applied(state, each));
    const content = v1.NameToRegister.create({ pUid: 2n ** 32n, tag: 7, name: 'one', ref: ref1 });
    const first = apply(state, 'registerName', content);
    const second = apply(first.state, 'registerName', content);
    expect(second.answer).to.deep.equal(first.answer);
    expect(second.state).to.deep.equal(first.state);
    expect(second.effects).to.deep.equal([]);
  });

  it('leaves nothing behind of processes that have ended, and of the pipelines that ran in them', () => {
    fc.assert(
      fc.property(log, (events) => {
        let state = initialState();
        for (const each of events) ({ state } = applied(state, each));
        ({ state } = apply(state, 'recoveryEnded', {}));
        for (const gone of state.members.processes.entries.keys()) {
          ({ state } = apply(state, 'retire', { pUid: gone, cause: 'it left', isLost: false }));
        }
        const left = [...state.resources.resources.values()];
        expect(left.filter(({ detail, actual: is }) => detail.case !== 'pipeline' || is < State.DESTROYED)).to.be.empty;
        expect(state.resources.parts.parts.size + state.resources.parts.running.size).to.equal(0);
        expect([state.names.holders.size, state.names.standbys.size, state.names.byProcess.size]).to.deep.equal([
          0, 0, 0,
        ]);
        expect([state.groups.groups.size, state.groups.byProcess.size]).to.deep.equal([0, 0]);
        expect(state.members.processes.launches.size + state.members.processes.namesByNode.size).to.equal(0);
        const { registered, started, added, named, announced: heard, done } = state.answers;
        const kept = [registered, started, added, named, heard, done].reduce((sum, { size }) => sum + size, 0);
        expect(kept).to.equal(0);
      }),
      { numRuns: 150 },
    );
  });
});
