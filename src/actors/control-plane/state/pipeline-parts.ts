import { PersistentMap } from '../../../persistent-map.js';
import type { v1 } from '../../../protocol/index.js';
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

/** Ids of resources, in order of creation. */
export type Ids = PersistentMap<number, true>;

/** The instances of one segment of a pipeline. */
export interface Instances {
  readonly ids: Ids;
  /** The highest number that an instance has had. */
  readonly last: number;
  /** How many have completed, without being asked to drain. */
  readonly completed: number;
}

interface Parts {
  readonly manifolds: Ids;
  readonly segments: Ids;
  /** By the name of the segment. */
  readonly instances: PersistentMap<string, Instances>;
  readonly tally: Tally;
}

export const NO_PARTS: Tally = {
  manifolds: 0,
  createdManifolds: 0,
  segments: 0,
  createdSegments: 0,
  completedSegments: 0,
  cancelledSegments: 0,
};

const NO_IDS: Ids = PersistentMap.empty();
const NO_INSTANCES: Instances = { ids: NO_IDS, last: -1, completed: 0 };
const NONE: Parts = { manifolds: NO_IDS, segments: NO_IDS, instances: PersistentMap.empty(), tally: NO_PARTS };

export interface PartsState {
  /** By pipeline. */
  readonly parts: PersistentMap<number, Parts>;
  /** Segments, by the ordinal of their partition. */
  readonly segmentsAt: PersistentMap<number, Ids>;
  /** Pipelines by the process that has started them. */
  readonly started: PersistentMap<bigint, Ids>;
  /** Of these, those that have not ended. */
  readonly running: PersistentMap<bigint, Ids>;
  /** How many pipelines have a definition, by its hash. */
  readonly uses: PersistentMap<string, number>;
}

export const NO_PIPELINES: PartsState = {
  parts: PersistentMap.empty(),
  segmentsAt: PersistentMap.empty(),
  started: PersistentMap.empty(),
  running: PersistentMap.empty(),
  uses: PersistentMap.empty(),
};

/**
 * The parts of each pipeline, and how many are how far: kept with each change, so that no step depends on the number of parts. Notes the
 * pipelines that have changed, with the parts that have.
 */
export class PipelineParts {
  #state: PartsState;
  #touched = new Map<number, Set<number>>();

  constructor(state: PartsState) {
    this.#state = state;
  }

  get state(): PartsState {
    return this.#state;
  }

  /** A resource was added (`before` is undefined), replaced, or removed (`after` is undefined). */
  changed(before: v1.Resource | undefined, after: v1.Resource | undefined): void {
    const resource = after ?? before;
    if (resource === undefined) return;
    const { id, detail } = resource;
    if (detail.case === 'pipeline') this.#pipelineChanged(detail.value, before, after, id);
    if (detail.case !== 'segment' && detail.case !== 'manifold') return;
    const { pipeline } = detail.value;
    const parts = this.#of(pipeline);
    const isThere = after !== undefined;
    const tally = counted(counted(parts.tally, before, -1), after, 1);
    if (detail.case === 'segment') {
      const { partition, name, instance } = detail.value;
      const known = parts.instances.get(name) ?? NO_INSTANCES;
      const instances = parts.instances.with(name, {
        ids: marked(known.ids, id, isThere),
        last: Math.max(known.last, instance),
        completed: known.completed + Number(hasCompleted(after)) - Number(hasCompleted(before)),
      });
      this.#put(pipeline, { ...parts, segments: marked(parts.segments, id, isThere), instances, tally });
      this.#state = { ...this.#state, segmentsAt: markedIn(this.#state.segmentsAt, partition, id, isThere) };
    } else {
      this.#put(pipeline, { ...parts, manifolds: marked(parts.manifolds, id, isThere), tally });
    }
    this.touch(pipeline).add(id);
  }

  #pipelineChanged(
    { startedBy, definition }: v1.Pipeline,
    before: v1.Resource | undefined,
    after: v1.Resource | undefined,
    id: number,
  ): void {
    this.touch(id);
    const { parts, started, running, uses } = this.#state;
    const isRunning = after !== undefined && after.actual < State.DESTROYED;
    const used = (uses.get(definition) ?? 0) + Number(after !== undefined) - Number(before !== undefined);
    this.#state = {
      ...this.#state,
      parts: after === undefined ? parts.without(id) : parts,
      started: markedIn(started, startedBy, id, after !== undefined),
      running: markedIn(running, startedBy, id, isRunning),
      uses: used === 0 ? uses.without(definition) : uses.with(definition, used),
    };
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
    return this.#of(pipeline).tally;
  }

  /** Ids of the pipelines that have parts, or are known and have not ended. */
  pipelines(): ReadonlySet<number> {
    const { parts, running } = this.#state;
    return new Set([...parts.keys(), ...[...running.values()].flatMap((ids) => [...ids.keys()])]);
  }

  /** Ids of the manifolds, in order of creation. */
  manifolds(pipeline: number): readonly number[] {
    return [...this.#of(pipeline).manifolds.keys()];
  }

  /** Ids of the segments, in order of creation. */
  segments(pipeline: number): readonly number[] {
    return [...this.#of(pipeline).segments.keys()];
  }

  /** The instances of a segment of a pipeline; those that have ended are none any more. */
  instances(pipeline: number, segment: string): Instances {
    return this.#of(pipeline).instances.get(segment) ?? NO_INSTANCES;
  }

  /** Ids of the segments of all pipelines that run in a partition. */
  segmentsAt(ordinal: number): readonly number[] {
    return [...(this.#state.segmentsAt.get(ordinal)?.keys() ?? [])];
  }

  /** Ids of the pipelines of a process, with those that have ended. */
  startedBy(pUid: bigint): readonly number[] {
    return [...(this.#state.started.get(pUid)?.keys() ?? [])];
  }

  /** Ids of the pipelines of a process that have not ended. */
  runningOf(pUid: bigint): readonly number[] {
    return [...(this.#state.running.get(pUid)?.keys() ?? [])];
  }

  countRunningOf(pUid: bigint): number {
    return this.#state.running.get(pUid)?.size ?? 0;
  }

  /** Whether a pipeline that is known has the definition. */
  isUsed(definition: string): boolean {
    return this.#state.uses.has(definition);
  }

  #of(pipeline: number): Parts {
    return this.#state.parts.get(pipeline) ?? NONE;
  }

  #put(pipeline: number, parts: Parts): void {
    const { manifolds, segments } = parts;
    const isEmpty = manifolds.size + segments.size === 0;
    const all = this.#state.parts;
    this.#state = { ...this.#state, parts: isEmpty ? all.without(pipeline) : all.with(pipeline, parts) };
  }
}

function hasCompleted(segment: v1.Resource | undefined): boolean {
  const isAskedToEnd = segment?.detail.case === 'segment' && segment.detail.value.isDraining;
  return segment !== undefined && segment.actual >= State.COMPLETED && !isAskedToEnd;
}

function marked(ids: Ids, id: number, isThere: boolean): Ids {
  return isThere ? ids.with(id, true) : ids.without(id);
}

function markedIn<K extends bigint | number>(
  sets: PersistentMap<K, Ids>,
  key: K,
  id: number,
  isThere: boolean,
): PersistentMap<K, Ids> {
  const ids = marked(sets.get(key) ?? PersistentMap.empty(), id, isThere);
  return ids.size === 0 ? sets.without(key) : sets.with(key, ids);
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
