import { BackpressureError, ConfigError, ProtocolError, UnreachableError } from '../../../errors.js';
import { limits } from '../../../limits.js';
import { PersistentMap } from '../../../persistent-map.js';
import { v1 } from '../../../protocol/index.js';
import { definitionHash } from './definition-hash.js';
import { Definitions, type DefinitionsState, NO_DEFINITIONS } from './definitions.js';
import { acceptActual, failureOf, raiseRequested, requestedFor, State } from './life-cycle.js';
import { isOfStream, lost, nextAttempt, pipelineOf, unasked } from './pipeline-outcomes.js';
import type { Instances } from './pipeline-parts.js';
import { actualIn, outcomeIn, type Phase, phaseOf, requestFor, type Situation } from './pipeline-rules.js';
import type { ProcessEntry } from './processes.js';
import { RegainedPipelines } from './regained-pipelines.js';
import type { Entry, ResourceTable } from './resource-table.js';
import { Segments } from './segments.js';

export interface PipelinesState {
  readonly definitions: DefinitionsState;
  /** The phase in which the requests of the parts of each running pipeline were made. */
  readonly phases: PersistentMap<number, Phase>;
  /** Ids of the pipelines that have ended, by the order in which they have. */
  readonly ended: PersistentMap<number, number>;
  readonly endedCount: number;
}

export const NO_RUNS: PipelinesState = {
  definitions: NO_DEFINITIONS,
  phases: PersistentMap.empty(),
  ended: PersistentMap.empty(),
  endedCount: 0,
};

/** Runs pipelines from start to end: accepts requests and reports, applies the rules, and writes the results to the table. */
export class Pipelines {
  readonly #table: ResourceTable;
  readonly #segments: Segments;
  readonly #definitions: Definitions;
  readonly #regained: RegainedPipelines;
  #isRecovering: boolean;
  #phases: PipelinesState['phases'];
  #ended: PipelinesState['ended'];
  #endedCount: number;

  constructor({ definitions, phases, ended, endedCount }: PipelinesState, table: ResourceTable, isRecovering: boolean) {
    this.#table = table;
    this.#segments = new Segments(table);
    this.#regained = new RegainedPipelines(table);
    this.#isRecovering = isRecovering;
    this.#definitions = new Definitions(definitions, (hash) => table.pipelineParts.isUsed(hash));
    this.#phases = phases;
    this.#ended = ended;
    this.#endedCount = endedCount;
  }

  get state(): PipelinesState {
    const { state: definitions } = this.#definitions;
    return { definitions, phases: this.#phases, ended: this.#ended, endedCount: this.#endedCount };
  }

  /** See Definitions.define. */
  define(pUid: bigint, hash: string, definition: v1.PipelineDefinition): void {
    this.#definitions.define(pUid, hash, definition);
  }

  definition(hash: string): v1.PipelineDefinition {
    return this.#definitions.get(hash);
  }

  /** Returns the id of the new pipeline. Throws BackpressureError when the process runs `processPipelines`. */
  start(request: Pick<v1.Pipeline, 'definition' | 'mapping' | 'startedBy' | 'observer'>): number {
    const { startedBy } = request;
    const running = this.#table.pipelineParts.countRunningOf(startedBy);
    if (running >= limits.processPipelines) {
      throw new BackpressureError(`Process ${startedBy} runs ${running} pipelines already (limit processPipelines).`);
    }
    const { name, onFailure, maxRestarts } = this.definition(request.definition);
    return this.#create({ ...request, name, onFailure, restartsLeft: maxRestarts });
  }

  stop(id: number): void {
    const attempt = this.#lastAttempt(id);
    if (attempt.resource.actual < State.DESTROYED) {
      this.#requestStop(attempt);
      this.#settle();
    }
  }

  #requestStop({ resource, detail }: Entry<v1.Pipeline>): void {
    if (!detail.isStopRequested) this.#table.describe(resource.id, pipelineOf({ ...detail, isStopRequested: true }));
  }

  /** Adds the parts of a pipeline, once. A part whose partition has ended meanwhile fails the pipeline. ProtocolError for too many parts. */
  expand(parts: v1.PipelineParts): void {
    const pipeline = this.#known(parts.pipeline);
    if (pipeline.resource.actual !== State.INITIALIZED) return;
    const count = parts.segments.length + parts.manifolds.length;
    if (count > limits.pipelineParts) {
      throw new ProtocolError(
        `Pipeline ${parts.pipeline} would have ${count} parts; the limit is ${limits.pipelineParts}.`,
      );
    }
    const homeless = parts.segments.find(({ partition }) => this.#table.runningPartition(partition) === undefined);
    const failure = parts.failed ?? (homeless && lost(homeless, 'its partition has ended'));
    if (failure === undefined) {
      const manifolds = new Map<string, number>();
      for (const { port, policy } of parts.manifolds) {
        const value = v1.Manifold.create({ pipeline: parts.pipeline, port, policy });
        manifolds.set(port, this.#table.create({ case: 'manifold', value }));
      }
      for (const part of parts.segments) {
        this.#segments.create(pipeline, part, manifolds);
      }
    } else {
      this.#fail(parts.pipeline, failure);
    }
    this.#table.advance(parts.pipeline, State.CREATING);
    this.#settle();
  }

  /** Adds an instance of a segment; returns its id. */
  addInstance(id: number, segment: string, partition: number | undefined): number {
    const pipeline = this.#table.pipeline(id);
    const siblings = this.#table.pipelineParts.instances(id, segment);
    const first = this.#firstOf(siblings);
    if (pipeline === undefined || first === undefined) {
      throw new ConfigError(`Pipeline ${id} runs no segment "${segment}".`);
    }
    if (siblings.ids.size >= limits.segmentInstances) {
      throw new BackpressureError(
        `Segment "${segment}" of pipeline ${id} has ${siblings.ids.size} instances already (limit segmentInstances).`,
      );
    }
    const isEnding = pipeline.detail.isStopRequested || pipeline.detail.failure !== undefined;
    if (isEnding || siblings.completed > 0) {
      throw new ConfigError(`Segment "${segment}" of pipeline ${id} is ending; it accepts no further instance.`);
    }
    if (partition !== undefined && this.#table.runningPartition(partition) === undefined) {
      throw new UnreachableError(`Partition ${partition} does not exist, so it cannot run another "${segment}".`);
    }
    const added = this.#segments.createSibling(pipeline, siblings.last + 1, first, partition);
    this.#settle();
    return added;
  }

  /** One that goes on, where there is one. */
  #firstOf({ ids }: Instances): Entry<v1.Segment> | undefined {
    for (const id of ids.keys()) {
      const segment = this.#table.segment(id);
      if (segment?.detail.isDraining === false) return segment;
    }
    return this.#table.segment(ids.first ?? 0);
  }

  /** Removes an instance of a segment: it ends when it has read everything that was sent to it. */
  drain(id: number): void {
    const segment = this.#table.segment(id);
    if (segment === undefined) {
      throw new ConfigError(`There is no segment ${id}.`);
    }
    this.#segments.drain(segment);
    this.#settle();
  }

  /** The owner of a segment or manifold reports its state. Repeated reports change nothing. */
  report(resource: v1.Resource, report: v1.ResourceReport): void {
    const isRegained = this.#isRegained(resource);
    const mostRequested = isRegained ? State.DESTROYED : resource.requested;
    const actual = acceptActual(mostRequested, resource.actual, report.actual, report.outcome);
    if (actual === undefined) return;
    const { actor } = report;
    const requested = isRegained ? raiseRequested(resource.requested, requestedFor(actual)) : resource.requested;
    let next: v1.Resource = { ...resource, requested, actual, outcome: report.outcome ?? resource.outcome };
    if (next.detail.case === 'manifold' && actor !== undefined) {
      next = { ...next, detail: { case: 'manifold', value: { ...next.detail.value, actor } } };
    }
    this.#table.put(next);
    if (next.detail.case === 'segment') {
      this.#segmentReported({ resource: next, detail: next.detail.value });
    } else if (actual === State.DESTROYED) {
      this.#table.remove(next.id);
    } else if (actor !== undefined) {
      this.#segments.setPortActor(next.id, actor);
    }
    this.#settle();
  }

  /** See RegainedPipelines. The definitions are those of the pipelines that the process has started. */
  announced(process: ProcessEntry, { resources, definitions }: v1.PipelinesToAnnounce): void {
    for (const definition of definitions) this.define(process.pUid, definitionHash(definition), definition);
    for (const resource of resources) this.#regained.announced(process, resource);
  }

  /** The recovery has ended: regained pipelines go on. Segments whose partition has not come back are lost. */
  recoveryEnded(): void {
    this.#isRecovering = false;
    const lostIn = new Set<number>();
    for (const { resource } of this.#regained.settle()) {
      this.#table.pipelineParts.touch(resource.id);
      for (const { detail } of this.#table.segmentsOf(resource.id)) {
        if (this.#table.runningPartition(detail.partition) === undefined) lostIn.add(detail.partition);
      }
    }
    this.loseSegments([...lostIn], 'its process has not come back to the control plane');
  }

  /** What its owner reports may be more than this control plane has requested: the earlier one has. */
  #isRegained({ detail }: v1.Resource): boolean {
    if (detail.case !== 'segment' && detail.case !== 'manifold') return false;
    return this.#table.pipeline(detail.value.pipeline)?.detail.isRegained === true;
  }

  /** The partitions and their segments have ended. Pipelines that depend on one of the segments fail. */
  loseSegments(ordinals: readonly number[], cause: string): void {
    this.#failThoseIn(ordinals, cause);
    this.#loseThoseIn(ordinals);
    this.#settle();
  }

  /** As `loseSegments`, for all partitions of a process. Pipelines that it started are stopped: nobody follows them any more. */
  loseProcess(pUid: bigint, ordinals: readonly number[], cause: string): void {
    this.#failThoseIn(ordinals, cause);
    const { pipelineParts } = this.#table;
    for (const id of pipelineParts.runningOf(pUid)) {
      this.#requestStop(this.#known(id));
      // Their actors were in that process.
      for (const manifold of pipelineParts.manifolds(id)) this.#table.remove(manifold);
    }
    this.#loseThoseIn(ordinals);
    this.#definitions.retire(pUid);
    this.#settle();
  }

  #failThoseIn(ordinals: readonly number[], cause: string): void {
    for (const { resource, detail } of this.#table.segmentsAt(ordinals)) {
      if (resource.actual >= State.COMPLETED) continue;
      // A pipeline that is being stopped does without it.
      if (this.#table.pipeline(detail.pipeline)?.detail.isStopRequested === true) continue;
      this.#fail(detail.pipeline, lost(detail, cause));
    }
  }

  #loseThoseIn(ordinals: readonly number[]): void {
    for (const entry of this.#table.segmentsAt(ordinals)) this.#segments.lose(entry);
  }

  // ---- consequences

  #create(value: v1.PipelineInit): number {
    const id = this.#table.create({ case: 'pipeline', value: v1.Pipeline.create(value) });
    this.#table.request(id, State.COMPLETED);
    return id;
  }

  #segmentReported(segment: Entry<v1.Segment>): void {
    const failure = failureOf(segment.resource.outcome);
    if (failure !== undefined) {
      this.#fail(segment.detail.pipeline, failure);
    }
    if (segment.resource.actual >= State.DESTROYED) {
      this.#segments.remove(segment);
    }
  }

  /** The first failure is kept. One of a stream between segments gives way: its segment has only noticed that another one failed. */
  #fail(pipeline: number, failure: v1.Failure): void {
    const detail = this.#table.pipeline(pipeline)?.detail;
    if (detail === undefined) return;
    const { failure: before } = detail;
    if (before === undefined || (isOfStream(before) && !isOfStream(failure))) {
      this.#table.describe(pipeline, pipelineOf({ ...detail, failure }));
    }
  }

  #known(id: number): Entry<v1.Pipeline> {
    const pipeline = this.#table.pipeline(id);
    if (pipeline === undefined) {
      throw new ConfigError(`There is no pipeline ${id}.`);
    }
    return pipeline;
  }

  /** The latest attempt, where pipeline `id` was restarted. */
  #lastAttempt(id: number): Entry<v1.Pipeline> {
    let attempt = this.#known(id);
    while (attempt.detail.restartedBy !== undefined) {
      attempt = this.#known(attempt.detail.restartedBy);
    }
    return attempt;
  }

  /** Applies the rules to what has changed, until they request nothing new. */
  #settle(): void {
    const { pipelineParts } = this.#table;
    for (let touched = pipelineParts.take(); touched.size > 0; touched = pipelineParts.take()) {
      for (const [id, parts] of touched) this.#settlePipeline(id, parts);
    }
  }

  /** In the same phase as before, only the parts that have changed may need another request. */
  #settlePipeline(id: number, changed: Iterable<number>): void {
    const pipeline = this.#table.pipeline(id);
    if (pipeline === undefined || pipeline.resource.actual >= State.DESTROYED) return;
    if (this.#isRecovering && pipeline.detail.isRegained) return;
    const situation = this.#situation(pipeline);
    const phase = phaseOf(situation);
    if (phase === 'cancelled') {
      const cancelled = this.#table
        .segmentsOf(id)
        .find(({ resource }) => resource.outcome?.result.case === 'cancelled');
      if (cancelled !== undefined) this.#fail(id, unasked(cancelled.detail));
      return;
    }
    const isNew = this.#phases.get(id) !== phase;
    this.#phases = this.#phases.with(id, phase);
    for (const part of isNew ? this.#table.partsOf(id) : changed) this.#requestOf(phase, part);
    this.#advance(pipeline, phase, situation);
  }

  #situation({ resource, detail }: Entry<v1.Pipeline>): Situation {
    const tally = this.#table.pipelineParts.tally(resource.id);
    return { present: resource.actual, tally, failure: detail.failure, isStopRequested: detail.isStopRequested };
  }

  #requestOf(phase: Phase, part: number): void {
    const resource = this.#table.get(part);
    const requested = resource && requestFor(phase, resource);
    if (requested !== undefined) this.#table.request(part, requested);
  }

  #advance({ resource, detail }: Entry<v1.Pipeline>, phase: Phase, situation: Situation): void {
    const actual = actualIn(phase, resource.actual);
    if (actual <= resource.actual) return;
    const outcome = outcomeIn(phase, situation);
    this.#table.put({ ...resource, actual, outcome });
    if (actual === State.DESTROYED) this.#pipelineEnded(resource.id, detail, outcome);
  }

  #pipelineEnded(id: number, detail: v1.Pipeline, outcome: v1.Outcome | undefined): void {
    this.#phases = this.#phases.without(id);
    const { onFailure, restartsLeft, isStopRequested } = detail;
    const mayRestart = onFailure === v1.FailurePolicy.RESTART && restartsLeft > 0 && !isStopRequested;
    if (mayRestart && failureOf(outcome) !== undefined) {
      const restartedBy = this.#create(nextAttempt(id, detail));
      this.#table.describe(id, pipelineOf({ ...detail, restartedBy }));
    }
    this.#remember(id);
  }

  /** Forgets the oldest of the pipelines that have ended, when there are more than `endedPipelines`. */
  #remember(id: number): void {
    this.#ended = this.#ended.with(this.#endedCount++, id);
    const oldest = this.#ended.first ?? 0;
    if (this.#ended.size <= limits.endedPipelines) return;
    const forgotten = this.#table.pipeline(this.#ended.get(oldest) ?? 0);
    this.#ended = this.#ended.without(oldest);
    if (forgotten === undefined) return;
    this.#table.remove(forgotten.resource.id);
    this.#definitions.released(forgotten.detail.definition);
  }
}
