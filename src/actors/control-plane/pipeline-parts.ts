import type { v1 } from '../../protocol/index.js';
import { State } from './life-cycle.js';

/** How far the parts of a pipeline are. */
export interface Tally {
  readonly manifolds: number;
  readonly createdManifolds: number;
  readonly segments: number;
  readonly createdSegments: number;
  /** Completed, or beyond that. */
  readonly completedSegments: number;
  readonly cancelledSegments: number;
}

interface Parts {
  readonly manifolds: Set<number>;
  readonly segments: Set<number>;
  tally: Tally;
}

export const NO_PARTS: Tally = {
  manifolds: 0,
  createdManifolds: 0,
  segments: 0,
  createdSegments: 0,
  completedSegments: 0,
  cancelledSegments: 0,
};

/**
 * The parts of each pipeline, and how many are how far: kept with each change, so that no step depends on the number of parts. Notes the
 * pipelines that have changed, with the parts that have.
 */
export class PipelineParts {
  readonly #parts = new Map<number, Parts>();
  #touched = new Map<number, Set<number>>();

  /** A resource was added (`before` is undefined), replaced, or removed (`after` is undefined). */
  changed(before: v1.Resource | undefined, after: v1.Resource | undefined): void {
    const resource = after ?? before;
    if (resource === undefined) return;
    const { id, detail } = resource;
    if (detail.case === 'pipeline') {
      this.touch(id);
      if (after === undefined) this.#parts.delete(id);
    }
    if (detail.case !== 'segment' && detail.case !== 'manifold') return;
    const { pipeline } = detail.value;
    const parts = this.#of(pipeline);
    const ids = detail.case === 'segment' ? parts.segments : parts.manifolds;
    if (after === undefined) ids.delete(id);
    else ids.add(id);
    parts.tally = counted(counted(parts.tally, before, -1), after, 1);
    this.touch(pipeline).add(id);
  }

  /** Something that is no resource has changed. */
  touch(pipeline: number): Set<number> {
    const parts = this.#touched.get(pipeline) ?? new Set();
    this.#touched.set(pipeline, parts);
    return parts;
  }

  /** The pipelines that were touched since the last call, with their parts that were. */
  take(): ReadonlyMap<number, ReadonlySet<number>> {
    const touched = this.#touched;
    this.#touched = new Map();
    return touched;
  }

  tally(pipeline: number): Tally {
    return this.#parts.get(pipeline)?.tally ?? NO_PARTS;
  }

  /** Ids of the manifolds, in order of creation. */
  manifolds(pipeline: number): ReadonlySet<number> {
    return this.#parts.get(pipeline)?.manifolds ?? new Set();
  }

  /** Ids of the segments, in order of creation. */
  segments(pipeline: number): ReadonlySet<number> {
    return this.#parts.get(pipeline)?.segments ?? new Set();
  }

  #of(pipeline: number): Parts {
    const parts = this.#parts.get(pipeline) ?? { manifolds: new Set(), segments: new Set(), tally: NO_PARTS };
    this.#parts.set(pipeline, parts);
    return parts;
  }
}

/** The tally with `by` of this part more. */
export function counted(tally: Tally, part: v1.Resource | undefined, by: 1 | -1): Tally {
  if (part === undefined) return tally;
  const { actual, detail, outcome } = part;
  const isCreated = actual >= State.CREATED ? by : 0;
  if (detail.case === 'manifold') {
    const { manifolds, createdManifolds } = tally;
    return { ...tally, manifolds: manifolds + by, createdManifolds: createdManifolds + isCreated };
  }
  return {
    ...tally,
    segments: tally.segments + by,
    createdSegments: tally.createdSegments + isCreated,
    completedSegments: tally.completedSegments + (actual >= State.COMPLETED ? by : 0),
    cancelledSegments: tally.cancelledSegments + (outcome?.result.case === 'cancelled' ? by : 0),
  };
}
