import { BackpressureError, ConfigError, ProtocolError, UnreachableError } from '../../errors.js';
import { limits } from '../../limits.js';
import { v1 } from '../../protocol/index.js';
import { Definitions } from './definitions.js';
import { acceptActual, failureOf, State } from './life-cycle.js';
import { actualIn, outcomeIn, type Phase, phaseOf, requestFor, type Situation, unasked } from './pipeline-rules.js';
import type { Entry, ResourceTable } from './resource-table.js';
import { Segments } from './segments.js';

/** Runs pipelines from start to end: accepts requests and reports, applies the rules, and writes the results to the table. */
export class Pipelines {
  readonly #table: ResourceTable;
  readonly #segments: Segments;
  readonly #definitions: Definitions;
  readonly #failures = new Map<number, v1.Failure>();
  readonly #stopRequests = new Set<number>();
  /** The phase in which the requests of the parts of each running pipeline were made. */
  readonly #phases = new Map<number, Phase>();
  readonly #ended: number[] = [];

  constructor(table: ResourceTable) {
    this.#table = table;
    this.#segments = new Segments(table);
    this.#definitions = new Definitions((hash) =>
      table.entries('pipeline').some(({ detail }) => detail.definition === hash),
    );
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
    const running = this.#table
      .entries('pipeline')
      .filter(({ resource, detail }) => detail.startedBy === startedBy && resource.actual < State.DESTROYED);
    if (running.length >= limits.processPipelines) {
      throw new BackpressureError(
        `Process ${startedBy} runs ${running.length} pipelines already (limit processPipelines).`,
      );
    }
    const { name, onFailure, maxRestarts } = this.definition(request.definition);
    return this.#create({ ...request, name, onFailure, restartsLeft: maxRestarts });
  }

  stop(id: number): void {
    const { resource } = this.#lastAttempt(id);
    if (resource.actual < State.DESTROYED) {
      this.#requestStop(resource.id);
      this.#settle();
    }
  }

  #requestStop(id: number): void {
    this.#stopRequests.add(id);
    this.#table.pipelineParts.touch(id);
  }

  /** Adds the parts of a pipeline, once. A part whose partition has ended meanwhile fails the pipeline. ProtocolError for too many parts. */
  expand(parts: v1.PipelineParts): void {
    const pipeline = this.#known(parts.pipeline);
    if (pipeline.resource.actual !== State.INITIALIZED) {
      return;
    }
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
      this.#failures.set(parts.pipeline, failure);
    }
    this.#table.advance(parts.pipeline, State.CREATING);
    this.#settle();
  }

  /** Adds an instance of a segment; returns its id. */
  addInstance(id: number, segment: string, partition: number | undefined): number {
    const pipeline = this.#table.pipeline(id);
    const siblings = this.#segmentsOf(id).filter(({ detail }) => detail.name === segment);
    const first = siblings.find(({ detail }) => !detail.isDraining) ?? siblings[0];
    if (pipeline === undefined || first === undefined) {
      throw new ConfigError(`Pipeline ${id} runs no segment "${segment}".`);
    }
    if (siblings.length >= limits.segmentInstances) {
      throw new BackpressureError(
        `Segment "${segment}" of pipeline ${id} has ${siblings.length} instances already (limit segmentInstances).`,
      );
    }
    const isEnding = this.#stopRequests.has(id) || this.#failures.has(id);
    if (isEnding || siblings.some(({ resource, detail }) => !detail.isDraining && resource.actual >= State.COMPLETED)) {
      throw new ConfigError(`Segment "${segment}" of pipeline ${id} is ending; it accepts no further instance.`);
    }
    if (partition !== undefined && this.#table.runningPartition(partition) === undefined) {
      throw new UnreachableError(`Partition ${partition} does not exist, so it cannot run another "${segment}".`);
    }
    const added = this.#segments.createSibling(pipeline, siblings, first, partition);
    this.#settle();
    return added;
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
    const actual = acceptActual(resource.requested, resource.actual, report.actual, report.outcome);
    if (actual === undefined) {
      return;
    }
    const { actor } = report;
    let next: v1.Resource = { ...resource, actual, outcome: report.outcome ?? resource.outcome };
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

  /** The partitions and their segments have ended. Pipelines that depend on one of the segments fail. */
  loseSegments(ordinals: readonly number[], cause: string): void {
    this.#failThoseIn(ordinals, cause);
    this.#loseThoseIn(ordinals);
    this.#settle();
  }

  /** As `loseSegments`, for all partitions of a process. Pipelines that it started are stopped: nobody follows them any more. */
  loseProcess(pUid: bigint, ordinals: readonly number[], cause: string): void {
    this.#failThoseIn(ordinals, cause);
    for (const { resource, detail } of this.#table.entries('pipeline')) {
      if (detail.startedBy === pUid && resource.actual < State.DESTROYED) {
        this.#requestStop(resource.id);
      }
    }
    this.#loseThoseIn(ordinals);
    this.#definitions.retire(pUid);
    this.#settle();
  }

  #failThoseIn(ordinals: readonly number[], cause: string): void {
    for (const { resource, detail } of this.#table.entries('segment')) {
      const isLost = ordinals.includes(detail.partition) && resource.actual < State.COMPLETED;
      // A pipeline that is being stopped does without it.
      if (isLost && !this.#stopRequests.has(detail.pipeline)) {
        this.#fail(detail.pipeline, lost(detail, cause));
      }
    }
  }

  #loseThoseIn(ordinals: readonly number[]): void {
    for (const entry of this.#table.entries('segment')) {
      if (ordinals.includes(entry.detail.partition)) {
        this.#segments.lose(entry);
      }
    }
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
    const before = this.#failures.get(pipeline);
    if (before === undefined || (isOfStream(before) && !isOfStream(failure))) {
      this.#failures.set(pipeline, failure);
      this.#table.pipelineParts.touch(pipeline);
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

  #segmentsOf(pipeline: number): Entry<v1.Segment>[] {
    return [...this.#table.pipelineParts.segments(pipeline)].flatMap((id) => this.#table.segment(id) ?? []);
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
    const situation = this.#situation(pipeline);
    const phase = phaseOf(situation);
    if (phase === 'cancelled') {
      const cancelled = this.#segmentsOf(id).find(({ resource }) => resource.outcome?.result.case === 'cancelled');
      if (cancelled !== undefined) this.#fail(id, unasked(cancelled.detail));
      return;
    }
    const isNew = this.#phases.get(id) !== phase;
    this.#phases.set(id, phase);
    for (const part of isNew ? this.#partsOf(id) : changed) this.#requestOf(phase, part);
    this.#advance(pipeline, phase, situation);
  }

  #situation({ resource }: Entry<v1.Pipeline>): Situation {
    return {
      present: resource.actual,
      tally: this.#table.pipelineParts.tally(resource.id),
      failure: this.#failures.get(resource.id),
      isStopRequested: this.#stopRequests.has(resource.id),
    };
  }

  #partsOf(pipeline: number): number[] {
    const { pipelineParts } = this.#table;
    return [...pipelineParts.manifolds(pipeline), ...pipelineParts.segments(pipeline)];
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
    const isStopRequested = this.#stopRequests.delete(id);
    this.#failures.delete(id);
    this.#phases.delete(id);
    const mayRestart = detail.onFailure === v1.FailurePolicy.RESTART && detail.restartsLeft > 0 && !isStopRequested;
    if (mayRestart && failureOf(outcome) !== undefined) {
      const restartedBy = this.#create({ ...detail, restartsLeft: detail.restartsLeft - 1, restartOf: id });
      const resource = this.#table.get(id);
      if (resource !== undefined) {
        this.#table.put({ ...resource, detail: { case: 'pipeline', value: { ...detail, restartedBy } } });
      }
    }
    this.#ended.push(id);
    if (this.#ended.length > limits.endedPipelines) {
      const oldest = this.#ended.shift() ?? id;
      const forgotten = this.#table.pipeline(oldest);
      this.#table.remove(oldest);
      if (forgotten !== undefined) this.#definitions.released(forgotten.detail.definition);
    }
  }
}

/** Ports fail with PipelineError. */
function isOfStream({ code }: v1.Failure): boolean {
  return code === 'PIPELINE';
}

function lost({ name, partition }: { readonly name: string; readonly partition: number }, cause: string): v1.Failure {
  const message = `segment "${name}" in partition ${partition} was lost: ${cause}`;
  return v1.Failure.create({ code: 'UNREACHABLE', message, segment: name, partition });
}
