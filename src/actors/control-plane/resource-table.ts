import { ProtocolError } from '../../errors.js';
import { v1 } from '../../protocol/index.js';
import { raiseRequested, State } from './life-cycle.js';

/** A resource together with its detail, narrowed to one kind. */
export interface Entry<Detail> {
  readonly resource: v1.Resource;
  readonly detail: Detail;
}

type Kind = 'process' | 'partition' | 'pipeline' | 'manifold' | 'segment' | 'groupMember';
type DetailOf<K extends Kind> = Extract<v1.Resource['detail'], { readonly case: K }>['value'];

/** Each control plane starts below 2^30, and gives one id for each resource. */
const HIGHEST_ID = 2 ** 31;

/** Every resource by its id, and the ids that have changed. Resources are immutable: a change replaces them. */
export class ResourceTable {
  readonly #resources = new Map<number, v1.Resource>();
  /** Ids by kind, in order of creation. */
  readonly #byKind = new Map<v1.Resource['detail']['case'], Set<number>>();
  /** Ids of partitions by their ordinals. */
  readonly #byOrdinal = new Map<number, number>();
  readonly #changes = new Set<number>();
  #next: number;

  /** `first` is the first id that it gives. */
  constructor(first = 1) {
    this.#next = first;
  }

  get(id: number): v1.Resource | undefined {
    return this.#resources.get(id);
  }

  all(): IterableIterator<v1.Resource> {
    return this.#resources.values();
  }

  /** All of one kind, in order of creation. */
  entries<K extends Kind>(kind: K): Entry<DetailOf<K>>[];
  entries(kind: Kind): Entry<unknown>[] {
    const found: Entry<unknown>[] = [];
    for (const id of this.#byKind.get(kind) ?? []) {
      const resource = this.#resources.get(id);
      if (resource?.detail.case === kind) found.push({ resource, detail: resource.detail.value });
    }
    return found;
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
    this.#resources.set(id, resource);
    this.#changes.add(id);
    const ofKind = this.#byKind.get(detail.case);
    if (ofKind === undefined) this.#byKind.set(detail.case, new Set([id]));
    else ofKind.add(id);
    if (detail.case === 'partition') this.#byOrdinal.set(detail.value.ordinal, id);
  }

  remove(id: number): void {
    const resource = this.#resources.get(id);
    if (resource === undefined) return;
    this.#resources.delete(id);
    this.#changes.add(id);
    this.#byKind.get(resource.detail.case)?.delete(id);
    if (resource.detail.case === 'partition') this.#byOrdinal.delete(resource.detail.value.ordinal);
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

  /** Ids of the resources that were created, changed or removed since the last call. */
  takeChanges(): number[] {
    const ids = [...this.#changes];
    this.#changes.clear();
    return ids;
  }
}
