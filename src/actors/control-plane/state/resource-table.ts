import { ProtocolError } from '../../../errors.js';
import { PersistentMap } from '../../../persistent-map.js';
import { v1 } from '../../../protocol/index.js';
import { raiseRequested, State } from './life-cycle.js';
import { ManifoldMembers, type ManifoldMembersState, type MembersOf, type Side } from './manifold-members.js';
import { NO_PIPELINES, PipelineParts, type PartsState } from './pipeline-parts.js';

/** A resource together with its detail, narrowed to one kind. */
export interface Entry<Detail> {
  readonly resource: v1.Resource;
  readonly detail: Detail;
}

/** Each control plane starts below 2^30, and gives one id for each resource. */
const HIGHEST_ID = 2 ** 31;

export interface ResourcesState {
  readonly resources: PersistentMap<number, v1.Resource>;
  /** Ids of partitions by their ordinals. */
  readonly byOrdinal: PersistentMap<number, number>;
  readonly parts: PartsState;
  readonly members: ManifoldMembersState;
  readonly next: number;
}

/** `first` is the first id that is given. */
export function noResources(first: number): ResourcesState {
  return {
    resources: PersistentMap.empty(),
    byOrdinal: PersistentMap.empty(),
    parts: NO_PIPELINES,
    members: PersistentMap.empty(),
    next: first,
  };
}

/** Every resource by its id, and the ids that have changed. Resources are immutable: a change replaces them. */
export class ResourceTable {
  readonly pipelineParts: PipelineParts;
  readonly #members: ManifoldMembers;
  #resources: ResourcesState['resources'];
  #byOrdinal: ResourcesState['byOrdinal'];
  #next: number;
  readonly #changes = new Set<number>();

  constructor({ resources, byOrdinal, parts, members, next }: ResourcesState) {
    this.#resources = resources;
    this.#byOrdinal = byOrdinal;
    this.#next = next;
    this.pipelineParts = new PipelineParts(parts);
    this.#members = new ManifoldMembers(members);
  }

  get state(): ResourcesState {
    const { state: parts } = this.pipelineParts;
    const { state: members } = this.#members;
    return { resources: this.#resources, byOrdinal: this.#byOrdinal, parts, members, next: this.#next };
  }

  /** Ids of the resources that were created, changed or removed. */
  get changes(): readonly number[] {
    return [...this.#changes];
  }

  /** A manifold is without its members: see `complete`. */
  get(id: number): v1.Resource | undefined {
    return this.#resources.get(id);
  }

  /** In order of creation. */
  all(): Iterable<v1.Resource> {
    return this.#resources.values();
  }

  partition(ordinal: number): Entry<v1.Partition> | undefined {
    const resource = this.#resources.get(this.#byOrdinal.get(ordinal) ?? 0);
    return resource?.detail.case === 'partition' ? { resource, detail: resource.detail.value } : undefined;
  }

  manifold(id: number): Entry<v1.Manifold> | undefined {
    const resource = this.#resources.get(id);
    return resource?.detail.case === 'manifold' ? { resource, detail: resource.detail.value } : undefined;
  }

  segment(id: number): Entry<v1.Segment> | undefined {
    const resource = this.#resources.get(id);
    return resource?.detail.case === 'segment' ? { resource, detail: resource.detail.value } : undefined;
  }

  pipeline(id: number): Entry<v1.Pipeline> | undefined {
    const resource = this.#resources.get(id);
    return resource?.detail.case === 'pipeline' ? { resource, detail: resource.detail.value } : undefined;
  }

  /** The resource with all that others are told of it: a manifold with its members. */
  complete(resource: v1.Resource): v1.Resource {
    return this.#members.complete(resource);
  }

  membersOf(manifold: number): MembersOf {
    return this.#members.of(manifold);
  }

  countMembers(manifold: number): number {
    return this.#members.count(manifold);
  }

  /** Does nothing for a manifold that has ended. */
  join(manifold: number, side: Side, segment: number): void {
    if (!this.#resources.has(manifold)) return;
    this.#members.add(manifold, side, segment);
    this.#changes.add(manifold);
  }

  /** Does nothing for a manifold that has ended. */
  leave(manifold: number, side: Side, segment: number): void {
    if (!this.#resources.has(manifold)) return;
    this.#members.remove(manifold, side, segment);
    this.#changes.add(manifold);
  }

  setMembers(manifold: number, lists: Partial<Pick<v1.Manifold, Side>>): void {
    this.#members.set(manifold, lists);
    this.#changes.add(manifold);
  }

  /** The segments of a pipeline, in order of creation. */
  segmentsOf(pipeline: number): Entry<v1.Segment>[] {
    return this.pipelineParts.segments(pipeline).flatMap((id) => this.segment(id) ?? []);
  }

  /** The segments that run in these partitions. */
  segmentsAt(ordinals: readonly number[]): Entry<v1.Segment>[] {
    return ordinals
      .flatMap((ordinal) => this.pipelineParts.segmentsAt(ordinal))
      .flatMap((id) => this.segment(id) ?? []);
  }

  /** Ids of the manifolds and segments of a pipeline. */
  partsOf(pipeline: number): readonly number[] {
    return [...this.pipelineParts.manifolds(pipeline), ...this.pipelineParts.segments(pipeline)];
  }

  /** The partition with this ordinal; undefined where it has ended, or has not started yet. */
  runningPartition(ordinal: number): Entry<v1.Partition> | undefined {
    const partition = this.partition(ordinal);
    return partition?.resource.actual === State.RUNNING ? partition : undefined;
  }

  create(detail: v1.Resource['detail']): number {
    const id = this.#next++;
    this.put(v1.Resource.create({ id, requested: State.INITIALIZED, actual: State.INITIALIZED, detail }));
    return id;
  }

  /** Gives a resource another id; returns that. */
  renumber({ id, ...resource }: v1.Resource): number {
    this.remove(id);
    const next = this.#next++;
    this.put({ ...resource, id: next });
    return next;
  }

  /** Gives ids above this one only: others have seen it. ProtocolError for an id that no control plane gives. */
  passOver(highest: number): void {
    if (highest > HIGHEST_ID) throw new ProtocolError(`No resource has the id ${highest}.`);
    this.#next = Math.max(this.#next, highest + 1);
  }

  describe(id: number, detail: v1.Resource['detail']): void {
    const resource = this.#resources.get(id);
    if (resource !== undefined) this.put({ ...resource, detail });
  }

  put(resource: v1.Resource): void {
    const { id, detail } = resource;
    this.pipelineParts.changed(this.#resources.get(id), resource);
    this.#resources = this.#resources.with(id, resource);
    this.#changes.add(id);
    if (detail.case === 'partition') this.#byOrdinal = this.#byOrdinal.with(detail.value.ordinal, id);
  }

  remove(id: number): void {
    const resource = this.#resources.get(id);
    if (resource === undefined) return;
    this.pipelineParts.changed(resource, undefined);
    this.#resources = this.#resources.without(id);
    if (resource.detail.case === 'manifold') this.#members.forget(id);
    this.#changes.add(id);
    const { detail } = resource;
    if (detail.case === 'partition') this.#byOrdinal = this.#byOrdinal.without(detail.value.ordinal);
  }

  /** Raises the requested state; false when nothing changes. */
  request(id: number, requested: State): boolean {
    const resource = this.#resources.get(id);
    if (resource === undefined) {
      return false;
    }
    const raised = raiseRequested(resource.requested, requested);
    if (raised === resource.requested) {
      return false;
    }
    this.put({ ...resource, requested: raised });
    return true;
  }

  /** Sets the actual state of a resource that the control plane owns, and raises its requested state to match. */
  advance(id: number, actual: State): void {
    const resource = this.#resources.get(id);
    if (resource !== undefined && resource.actual < actual) {
      const requested = raiseRequested(resource.requested, actual === State.RUNNING ? State.COMPLETED : State.CREATED);
      this.put({ ...resource, actual, requested });
    }
  }
}
