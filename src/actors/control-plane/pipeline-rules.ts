import { v1 } from '../../protocol/index.js';
import { CANCELLED, failed, OK, State } from './life-cycle.js';
import type { Entry } from './resource-table.js';

/** A pipeline with its parts, and what is to become of it. */
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
  /** How far the pipeline itself is: a pipeline is as far as its parts are. */
  readonly actual: State;
  readonly outcome: v1.Outcome | undefined;
  /** What has to count as the pipeline's failure from now on. */
  readonly failure?: v1.Failure;
}

/**
 * What is to be asked of the parts of a pipeline, from how far they are:
 *
 *     manifolds Created  ->  segments Created  ->  all Running  ->  each segment ends by itself, then goes
 *     a segment that was cancelled, though nobody asked for that, is a failure
 *     a failure or a stop ->  all segments Stopped, then all gone  ->  manifolds gone  ->  the pipeline has its outcome
 *
 * A pure function: called after every change, it asks again for what was asked before, which changes nothing.
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

/** It has ended, or was not made yet, in which case its owner may never have heard of it. */
function hasNothingToStop({ actual }: v1.Resource): boolean {
  return actual >= State.STOPPED || actual === State.COMPLETED || actual < State.CREATED;
}

function unasked({ name, partition }: v1.Segment): v1.Failure {
  const message = `segment "${name}" in partition ${partition} was cancelled, though nobody has asked for that`;
  return v1.Failure.create({ code: 'STOPPED', message, segment: name, partition });
}
