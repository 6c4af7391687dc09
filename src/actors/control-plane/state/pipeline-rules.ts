import type { v1 } from '../../../protocol/index.js';
import { CANCELLED, failed, OK, State } from './life-cycle.js';
import type { Tally } from './pipeline-parts.js';

/** What the phase of a pipeline follows from. */
export interface Situation {
  /** The actual state of the pipeline. */
  readonly present: State;
  readonly tally: Tally;
  readonly failure: v1.Failure | undefined;
  readonly isStopRequested: boolean;
}

/**
 * What is wanted of the parts of a pipeline:
 *
 *     waiting     nothing: it has no parts yet
 *     manifolds   manifolds Created
 *     segments    segments Created
 *     running     all Running; each segment completes, and is destroyed
 *     cancelled   a segment was cancelled without a request, which is a failure
 *     stopping    a failure, a stop, or all have completed: all segments Stopped, then destroyed
 *     closing     manifolds destroyed
 *     closed      the pipeline has its outcome
 */
export type Phase = 'waiting' | 'manifolds' | 'segments' | 'running' | 'cancelled' | 'stopping' | 'closing' | 'closed';

/** A pure function. Its cost does not depend on the number of parts. */
export function phaseOf({ present, tally, failure, isStopRequested }: Situation): Phase {
  if (present === State.INITIALIZED) return isStopRequested ? 'closed' : 'waiting';
  if (failure !== undefined || isStopRequested) return endOf(tally);
  if (tally.cancelledSegments > 0) return 'cancelled';
  const isRunning = present >= State.RUNNING;
  if (isRunning && tally.completedSegments === tally.segments) return endOf(tally);
  if (tally.createdManifolds < tally.manifolds) return 'manifolds';
  return isRunning || tally.createdSegments === tally.segments ? 'running' : 'segments';
}

function endOf({ segments, manifolds }: Tally): Phase {
  if (segments > 0) return 'stopping';
  return manifolds > 0 ? 'closing' : 'closed';
}

/** The state to request of a part in a phase; undefined for none. Requests that were made before are repeated, which changes nothing. */
export function requestFor(phase: Phase, { actual, detail }: v1.Resource): State | undefined {
  if (phase === 'waiting' || phase === 'cancelled') return undefined;
  if (detail.case === 'manifold') return manifoldRequest(phase);
  if (phase === 'stopping' || phase === 'closing' || phase === 'closed') {
    return hasNothingToStop(actual) ? State.DESTROYED : State.STOPPED;
  }
  if (actual >= State.COMPLETED) return State.DESTROYED;
  if (phase === 'manifolds') return undefined;
  return phase === 'running' && actual >= State.CREATED ? State.COMPLETED : State.CREATED;
}

function manifoldRequest(phase: Phase): State | undefined {
  if (phase === 'stopping') return undefined;
  return phase === 'closing' || phase === 'closed' ? State.DESTROYED : State.CREATED;
}

/** The pipeline's own state in a phase. */
export function actualIn(phase: Phase, present: State): State {
  switch (phase) {
    case 'running':
      return State.RUNNING;
    case 'stopping':
      return State.STOPPING;
    case 'closing':
      return State.STOPPED;
    case 'closed':
      return State.DESTROYED;
    default:
      return present;
  }
}

/** How the pipeline has ended; undefined before that. */
export function outcomeIn(phase: Phase, { failure, isStopRequested }: Situation): v1.Outcome | undefined {
  if (phase !== 'closing' && phase !== 'closed') return undefined;
  if (failure !== undefined) return failed(failure);
  return isStopRequested ? CANCELLED : OK;
}

/** The segment has ended, or was not created yet; in that case its owner may not know it. */
function hasNothingToStop(actual: State): boolean {
  return actual >= State.STOPPED || actual === State.COMPLETED || actual < State.CREATED;
}
