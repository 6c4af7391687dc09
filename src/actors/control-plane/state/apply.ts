import { BackpressureError, ConfigError, MillraceError, ProtocolError, Refusal } from '../../../errors.js';
import { limits } from '../../../limits.js';
import { type EmptyInit, type Ref, v1 } from '../../../protocol/index.js';
import { Answers, type AnswersState } from './answers.js';
import type { IdempotencyCache, ControlPlaneState, ServerSituation } from './control-plane-state.js';
import { definitionHash } from './definition-hash.js';
import { Draft } from './draft.js';
import type { ProcessEntry } from './processes.js';

/** What can happen to the control plane: what comes with it, and what it is answered. */
interface Events {
  connect: readonly [v1.ConnectProcess, ProcessEntry];
  /** A process announces itself, and names the control plane that it has followed. */
  succeed: readonly [v1.ServerIdentity, void];
  announce: readonly [v1.Announcement, ProcessEntry];
  registerNames: readonly [v1.NamesToRegister, v1.NamesRegisteredInit];
  announcePipelines: readonly [v1.PipelinesToAnnounce, EmptyInit];
  /** The processes of the cluster had time to announce what they have. */
  recoveryEnded: readonly [EmptyInit, void];
  registerPartitions: readonly [v1.PartitionsToRegister, v1.PartitionsRegisteredInit];
  activate: readonly [v1.ActivateProcess, ProcessEntry];
  activatePartition: readonly [v1.PartitionActivation, EmptyInit];
  retirePartition: readonly [v1.PartitionToRetire, EmptyInit];
  /** The process has ended; undefined where it was not connected. */
  retire: readonly [ProcessEnd, ProcessEntry | undefined];
  registerName: readonly [v1.NameToRegister, v1.NameRegisteredInit];
  unregisterName: readonly [v1.NameToUnregister, EmptyInit];
  unwatchGroup: readonly [v1.GroupToUnwatch, EmptyInit];
  registerDefinition: readonly [v1.DefinitionToRegister, v1.DefinitionRegisteredInit];
  startPipeline: readonly [v1.PipelineToStart, v1.PipelineStartedInit];
  stopPipeline: readonly [v1.PipelineToStop, EmptyInit];
  expandPipeline: readonly [v1.PipelineParts, EmptyInit];
  addInstance: readonly [v1.InstanceToAdd, v1.InstanceAddedInit];
  drainSegment: readonly [v1.SegmentToDrain, EmptyInit];
  report: readonly [v1.ResourceReport, EmptyInit];
}

export interface ProcessEnd {
  readonly pUid: bigint;
  readonly cause: string;
  /** It cannot be reached, and may live on and come back. */
  readonly isLost: boolean;
}

export type EventKind = keyof Events;
export type Content<Kind extends EventKind> = Events[Kind][0];
export type Answer<Kind extends EventKind> = Events[Kind][1];
export type Event<Kind extends EventKind = EventKind> = {
  [Each in Kind]: { readonly kind: Each; readonly content: Content<Each> };
}[Kind];

/** What is to be done because of an event, and is no part of the state. */
export type Effect =
  /** The processes that are concerned are told. */
  | { readonly kind: 'changed'; readonly ids: readonly number[] }
  /** Lookups of the name are answered. */
  | { readonly kind: 'named'; readonly name: string; readonly holder: Ref | undefined }
  /** The process is not told of the group any more. */
  | { readonly kind: 'unwatched'; readonly pUid: bigint; readonly group: string }
  /** `recoveryEnded` follows when it is over. */
  | { readonly kind: 'recovering' };

export interface Applied<Kind extends EventKind> {
  readonly state: ControlPlaneState;
  readonly effects: readonly Effect[];
  readonly answer: { readonly reply: Answer<Kind> } | { readonly error: MillraceError };
}

/**
 * What the control plane knows after an event, what is to be done because of it, and its answer. A pure function: a log of events that is
 * applied again gives an equal state. An event that is refused is answered with an error, and changes nothing.
 */
export function apply<Kind extends EventKind>(
  state: ControlPlaneState,
  kind: Kind,
  content: Content<Kind>,
): Applied<Kind> {
  const change = new Change(state);
  try {
    const reply = HANDLERS[kind](change, content);
    return { state: change.state, effects: change.effects, answer: { reply } };
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error;
    return { state, effects: [], answer: { error } };
  }
}

/** One event while it is applied. */
class Change {
  readonly draft: Draft;
  readonly answers: { readonly [Kind in keyof IdempotencyCache]: Answers<ReplyOf<Kind>> };
  server: ServerSituation;
  readonly #own: Effect[] = [];

  constructor(state: ControlPlaneState) {
    const { registered, started, added, named, announced, done } = state.answers;
    this.draft = new Draft(state);
    this.server = state.server;
    this.answers = {
      registered: new Answers(registered),
      started: new Answers(started),
      added: new Answers(added),
      named: new Answers(named),
      announced: new Answers(announced),
      done: new Answers(done),
    };
  }

  get state(): ControlPlaneState {
    const { registered, started, added, named, announced, done } = this.answers;
    return {
      ...this.draft.state,
      server: this.server,
      answers: {
        registered: registered.state,
        started: started.state,
        added: added.state,
        named: named.state,
        announced: announced.state,
        done: done.state,
      },
    };
  }

  get effects(): readonly Effect[] {
    const { changes, names } = this.draft;
    const changed: Effect[] = changes.length > 0 ? [{ kind: 'changed', ids: changes }] : [];
    const named = names.changed.map((name): Effect => ({ kind: 'named', name, holder: names.lookup(name) }));
    return [...this.#own, ...changed, ...named];
  }

  effect(effect: Effect): void {
    this.#own.push(effect);
  }

  /** Executes a request once. Throws UnreachableError for a process that is not connected: it may have ended meanwhile. */
  once<Kind extends keyof IdempotencyCache>(
    kind: Kind,
    { pUid, tag }: { readonly pUid: bigint; readonly tag: number },
    work: () => ReplyOf<Kind>,
  ): ReplyOf<Kind> {
    this.draft.members.get(pUid);
    return this.answers[kind].once(pUid, tag, work);
  }

  /** As `once`, for a request that has an empty reply. */
  do(request: { readonly pUid: bigint; readonly tag: number }, work: () => void): EmptyInit {
    return this.once('done', request, () => {
      work();
      return DONE;
    });
  }
}

type ReplyOf<Kind extends keyof IdempotencyCache> =
  IdempotencyCache[Kind] extends AnswersState<infer Reply> ? Reply : never;

const DONE: EmptyInit = {};

const HIGHEST_EPOCH = 2 ** 31;

/** Reason of the Refusal of a request whose process follows a later control plane than this one. */
export const DEPOSED = 'DEPOSED';

const HANDLERS: { readonly [Kind in EventKind]: (change: Change, content: Content<Kind>) => Answer<Kind> } = {
  connect: ({ draft }, request) => draft.members.connect(request),
  succeed: (change, followed) => succeed(change, followed),
  announce: ({ draft }, announcement) => draft.members.readmit(announcement),
  registerNames: (change, request) => change.once('announced', request, () => registerNames(change, request)),
  announcePipelines: (change, request) =>
    change.do(request, () => {
      if (change.server.recovery === 'running') change.draft.regainPipelines(request);
    }),
  recoveryEnded: (change) => {
    change.server = { ...change.server, recovery: 'over' };
    change.draft.recoveryEnded();
  },

  registerPartitions: (change, request) =>
    change.once('registered', request, () => ({
      ordinals: change.draft.members.registerPartitions(request.pUid, request.addresses),
    })),
  activate: ({ draft }, { pUid, client, segmentsManagers }) =>
    draft.members.activate(pUid, required(client, 'client'), segmentsManagers),
  activatePartition: (change, request) => {
    const { pUid, ordinal, segmentsManager } = request;
    const manager = required(segmentsManager, 'segments_manager');
    return change.do(request, () => change.draft.members.activatePartition(pUid, ordinal, manager));
  },
  retirePartition: (change, request) =>
    change.do(request, () => change.draft.retirePartition(request.pUid, request.ordinal, request.cause)),
  retire: ({ draft, answers }, { pUid, cause, isLost }) => {
    for (const each of Object.values(answers)) each.forget(pUid);
    return draft.retire(pUid, cause, isLost);
  },

  registerName: (change, request) => {
    const { pUid, name, isGroup, isStandby, path } = request;
    const ref = required(request.ref, 'ref');
    return change.once('named', request, () => ({
      place: change.draft.registerName(pUid, name, ref, { isGroup, isStandby, path }),
    }));
  },
  unregisterName: (change, request) =>
    change.do(request, () => change.draft.unregisterName(request.pUid, request.name, request.cUid, request.isGroup)),
  unwatchGroup: (change, request) =>
    change.do(request, () => change.effect({ kind: 'unwatched', pUid: request.pUid, group: request.name })),

  registerDefinition: ({ draft }, { pUid, definition }) => {
    const known = required(definition, 'definition');
    const hash = definitionHash(known);
    draft.pipelines.define(draft.members.get(pUid).pUid, hash, known);
    return { hash };
  },
  startPipeline: (change, request) =>
    change.once('started', request, () => ({
      pipeline: change.draft.startPipeline(request.pUid, request.definition, request.mapping),
    })),
  stopPipeline: (change, request) => change.do(request, () => change.draft.pipelines.stop(request.pipeline)),
  expandPipeline: (change, parts) => change.do(parts, () => change.draft.expandPipeline(parts)),
  addInstance: (change, request) =>
    change.once('added', request, () => ({
      segment: change.draft.pipelines.addInstance(request.pipeline, request.segment, request.partition),
    })),
  drainSegment: (change, request) => change.do(request, () => change.draft.pipelines.drain(request.segment)),
  report: (change, report) => change.do(report, () => change.draft.report(report)),
};

/** Where the epoch is not given by an election, it follows on those that the processes know. A Refusal where this one is deposed. */
function succeed(change: Change, { epoch, incarnation }: v1.ServerIdentity): void {
  const { server } = change;
  if (incarnation === server.incarnation) return;
  assertNotDeposed(server, epoch);
  if (epoch >= HIGHEST_EPOCH) throw new ProtocolError(`No control plane has the epoch ${epoch}.`);
  const next = server.isEpochGiven ? server.epoch : Math.max(server.epoch, epoch + 1);
  const isFirst = server.recovery === 'none';
  change.server = { ...server, epoch: next, recovery: isFirst ? 'running' : server.recovery };
  if (isFirst) change.effect({ kind: 'recovering' });
}

/** A Refusal for a process that follows a control plane of a later epoch than this one, which must not answer it. */
export function assertNotDeposed({ epoch, isEpochGiven }: ServerSituation, followed: number): void {
  if (followed > epoch && isEpochGiven) {
    throw new Refusal(DEPOSED, `Another control plane has followed on this one, of epoch ${epoch}.`);
  }
}

/** The names of a process that has announced itself. One that is refused does not keep the others. */
function registerNames(change: Change, { pUid, names }: v1.NamesToRegister): v1.NamesRegisteredInit {
  if (names.length > limits.announcedNames) {
    throw new ProtocolError(`A request has ${names.length} names: the limit is ${limits.announcedNames}.`);
  }
  const refused: v1.RefusedName[] = [];
  const places = names.map((entry) => {
    try {
      return readmitName(change, pUid, entry);
    } catch (error) {
      if (!(error instanceof ConfigError || error instanceof BackpressureError)) throw error;
      refused.push(v1.RefusedName.create({ entry, why: error.message }));
      return 0;
    }
  });
  return { refused, places };
}

/** During a recovery an actor keeps its place for the name. Later it has lost that to those who came meanwhile. */
function readmitName({ draft, server }: Change, pUid: bigint, entry: v1.AnnouncedName): number {
  const { name, ref, isGroup, isStandby, place, path } = entry;
  const regained = server.recovery === 'running' && place > 0 ? place : undefined;
  return draft.registerName(pUid, name, required(ref, 'ref'), { isGroup, isStandby, regained, path });
}

/** Throws ProtocolError. */
export function required<T>(value: T | undefined, field: string): T {
  if (value === undefined) {
    throw new ProtocolError(`The field "${field}" of this request must be set.`);
  }
  return value;
}
