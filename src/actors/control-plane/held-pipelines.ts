import { limits } from '../../limits.js';
import { encode, v1 } from '../../protocol/index.js';
import type { MirroredResources } from './mirrored-resources.js';
import { definitionHash, nextAttempt, State } from './state/index.js';

/** What a process says of one of its resources. */
export type Report = Omit<v1.ResourceReportInit, 'pUid' | 'tag'>;
/** What one request announces. */
export type AnnouncedPipelines = Pick<v1.PipelinesToAnnounce, 'resources' | 'definitions'>;

/** A pipeline that this process has started. */
interface Run {
  readonly definition: v1.PipelineDefinition;
  /** As it was started. The mirror has what has become of it. */
  readonly started: v1.Resource;
  isStopRequested: boolean;
}

/**
 * What this process knows of the pipelines that it has started, and has reported of the segments and manifolds that it owns: enough for a control
 * plane that has started anew to go on with them. The mirror may lack the last changes. So pipelines are kept here from the reply to their start
 * on, and reports until the control plane shows what they said, or removes the resource.
 */
export class HeldPipelines {
  readonly #mirror: MirroredResources;
  readonly #runs = new Map<number, Run>();
  /** Definitions of pipelines that are being started. */
  readonly #starting = new Set<v1.PipelineDefinition>();
  readonly #reports = new Map<number, Report>();

  constructor(mirror: MirroredResources) {
    this.#mirror = mirror;
  }

  /** Announced until `started`: a control plane that starts anew meanwhile must know it when the pipeline is started there. */
  starting(definition: v1.PipelineDefinition): () => void {
    this.#starting.add(definition);
    return () => void this.#starting.delete(definition);
  }

  started(id: number, definition: v1.PipelineDefinition, pipeline: v1.PipelineInit): void {
    const started = v1.Resource.create({
      id,
      requested: State.COMPLETED,
      actual: State.INITIALIZED,
      detail: { case: 'pipeline', value: v1.Pipeline.create(pipeline) },
    });
    this.#runs.set(id, { definition, started, isStopRequested: false });
  }

  stopRequested(id: number): void {
    const run = this.#runs.get(id);
    if (run !== undefined) run.isStopRequested = true;
  }

  /** Nobody follows the pipeline any more. */
  settled(id: number): void {
    this.#runs.delete(id);
  }

  /** The pipeline, or the one that it restarts, was started by this process, which knows that. */
  isFollowed(id: number): boolean {
    return this.#runs.has(this.#firstAttemptOf(id));
  }

  reported(report: Report): void {
    this.#reports.set(report.id ?? 0, report);
  }

  /** The resource has not been removed since, and nothing later was reported of it. */
  isReported(report: Report): boolean {
    return this.#reports.get(report.id ?? 0) === report;
  }

  removed(id: number): void {
    this.#reports.delete(id);
  }

  /** The reports of which the control plane shows less. */
  unseenReports(): readonly Report[] {
    return [...this.#reports.values()].filter(({ id = 0, actual = State.INITIALIZED }) => {
      const shown = this.#mirror.get(id);
      return shown !== undefined && shown.actual < actual;
    });
  }

  /** The pipelines that this process has started with all their parts, and the segments that it runs, in as many requests as they take. */
  announcements(ordinals: ReadonlySet<number>): readonly AnnouncedPipelines[] {
    const attempts = [...this.#runs.values()].flatMap((run) => this.#lastAttemptOf(run) ?? []);
    const ids = new Set(attempts.map(({ id }) => id));
    const parts = [...this.#mirror.all()].filter(
      ({ detail }) =>
        ((detail.case === 'manifold' || detail.case === 'segment') && ids.has(detail.value.pipeline)) ||
        (detail.case === 'segment' && ordinals.has(detail.value.partition)),
    );
    const definitions = new Map<string, v1.PipelineDefinition>();
    for (const definition of [...this.#starting, ...[...this.#runs.values()].map((run) => run.definition)]) {
      definitions.set(definitionHash(definition), definition);
    }
    // Pipelines come before their parts.
    return inRequests([...definitions.values()], [...attempts, ...parts]);
  }

  #firstAttemptOf(id: number): number {
    let first = id;
    for (let detail = this.#mirror.get(id)?.detail; detail?.case === 'pipeline'; ) {
      if (detail.value.restartOf === undefined) break;
      first = detail.value.restartOf;
      detail = this.#mirror.get(first)?.detail;
    }
    return first;
  }

  /** Undefined where it has ended. */
  #lastAttemptOf({ started, isStopRequested }: Run): v1.Resource | undefined {
    let attempt = this.#mirror.get(started.id) ?? started;
    for (let { detail } = attempt; detail.case === 'pipeline' && detail.value.restartedBy !== undefined; ) {
      const { restartedBy: id } = detail.value;
      const value = v1.Pipeline.create(nextAttempt(attempt.id, detail.value));
      attempt = this.#mirror.get(id) ?? { ...started, id, detail: { case: 'pipeline', value } };
      detail = attempt.detail;
    }
    const { detail } = attempt;
    if (detail.case !== 'pipeline' || attempt.actual >= State.DESTROYED) return undefined;
    if (!isStopRequested) return attempt;
    return { ...attempt, detail: { case: 'pipeline', value: { ...detail.value, isStopRequested } } };
  }
}

/** As many in each as an update of the control plane takes. */
function inRequests(
  definitions: readonly v1.PipelineDefinition[],
  resources: readonly v1.Resource[],
): readonly AnnouncedPipelines[] {
  const requests: AnnouncedPipelines[] = definitions.map((definition) => ({
    definitions: [definition],
    resources: [],
  }));
  let part: v1.Resource[] = [];
  let bytes = 0;
  for (const resource of resources) {
    const { length } = encode(v1.Resource, resource);
    if (part.length > 0 && bytes + length > limits.controlPlaneUpdateBytes) {
      requests.push({ definitions: [], resources: part });
      part = [];
      bytes = 0;
    }
    part.push(resource);
    bytes += length;
  }
  if (part.length > 0) requests.push({ definitions: [], resources: part });
  return requests;
}
