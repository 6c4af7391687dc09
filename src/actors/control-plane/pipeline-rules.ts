import { v1 } from '../../protocol/index.js';
import { CANCELLED, failed, OK, State } from './life-cycle.js';
import type { Entry } from './resource-table.js';

/** A pipeline with its parts, and whether it must end. */
export interface PipelineEntries {
  readonly pipeline: Entry<v1.Pipeline>;
  readonly manifolds: readonly Entry<v1.Manifold>[];
  readonly segments: readonly Entry<v1.Segment>[];
  readonly failure: v1.Failure | undefined;
  readonly isStopRequested: boolean;
}

export interface Request {
  readonly id: number;
  readonly requested: State;
}

export interface Verdict {
  readonly requests: readonly Request[];
  /** The pipeline's own state, which follows from the states of its parts. */
  readonly actual: State;
  readonly outcome: v1.Outcome | undefined;
  /** A failure that the rules have found; the caller must record it as the pipeline's. */
  readonly failure?: v1.Failure;
}

/**
 * The states to request of the parts of a pipeline, given their actual states:
 *
 *     manifolds Created  ->  segments Created  ->  all Running  ->  each segment completes, and is destroyed
 *     a segment that was cancelled without a request is a failure
 *     a failure or a stop ->  all segments Stopped, then destroyed  ->  manifolds destroyed  ->  the pipeline has its outcome
 *
 * A pure function. It is called after every change; requests that were made before are repeated, which changes nothing.
 */
export function pipelineRules(entries: PipelineEntries): Verdict {
  const { pipeline, failure, isStopRequested } = entries;
  const present = pipeline.resource.actual;
  if (present === State.INITIALIZED) {
    const end = isStopRequested ? State.DESTROYED : present;
    return { requests: [], actual: end, outcome: isStopRequested ? CANCELLED : undefined };
  }
  if (failure !== undefined || isStopRequested) {
    return ending(entries, failure === undefined ? CANCELLED : failed(failure));
  }
  const cancelled = entries.segments.find(({ resource }) => resource.outcome?.result.case === 'cancelled');
  if (cancelled !== undefined) {
    return { requests: [], actual: present, outcome: undefined, failure: unasked(cancelled.detail) };
  }
  const isRunning = present >= State.RUNNING;
  if (isRunning && entries.segments.every(({ resource }) => resource.actual >= State.COMPLETED)) {
    return ending(entries, OK);
  }
  return starting(entries, isRunning);
}

function starting({ manifolds, segments, pipeline }: PipelineEntries, isRunning: boolean): Verdict {
  const requests: Request[] = manifolds.map(({ resource }) => ({ id: resource.id, requested: State.CREATED }));
  const areManifoldsCreated = manifolds.every(({ resource }) => resource.actual >= State.CREATED);
  const areSegmentsCreated = segments.every(({ resource }) => resource.actual >= State.CREATED);
  for (const { resource } of segments) {
    const mayRun = isRunning ? resource.actual >= State.CREATED : areSegmentsCreated;
    if (resource.actual >= State.COMPLETED) {
      requests.push({ id: resource.id, requested: State.DESTROYED });
    } else if (areManifoldsCreated) {
      requests.push({ id: resource.id, requested: mayRun ? State.COMPLETED : State.CREATED });
    }
  }
  const hasStarted = areManifoldsCreated && areSegmentsCreated;
  return { requests, actual: hasStarted ? State.RUNNING : pipeline.resource.actual, outcome: undefined };
}

function ending({ manifolds, segments }: PipelineEntries, outcome: v1.Outcome): Verdict {
  if (segments.length > 0) {
    const requests = segments.map(({ resource }) => ({
      id: resource.id,
      requested: hasNothingToStop(resource) ? State.DESTROYED : State.STOPPED,
    }));
    return { requests, actual: State.STOPPING, outcome: undefined };
  }
  const requests = manifolds.map(({ resource }) => ({ id: resource.id, requested: State.DESTROYED }));
  const areGone = manifolds.every(({ resource }) => resource.actual >= State.DESTROYED);
  return { requests, actual: areGone ? State.DESTROYED : State.STOPPED, outcome };
}

/** The segment has ended, or was not created yet; in that case its owner may not know it. */
function hasNothingToStop({ actual }: v1.Resource): boolean {
  return actual >= State.STOPPED || actual === State.COMPLETED || actual < State.CREATED;
}

function unasked({ name, partition }: v1.Segment): v1.Failure {
  const message = `segment "${name}" in partition ${partition} was cancelled, but no stop was requested`;
  return v1.Failure.create({ code: 'STOPPED', message, segment: name, partition });
}
