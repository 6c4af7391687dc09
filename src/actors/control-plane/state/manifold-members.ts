import { PersistentMap } from '../../../persistent-map.js';
import type { v1 } from '../../../protocol/index.js';
import type { Ids } from './pipeline-parts.js';

/** The lists of a manifold, as sets of the ids of segments. */
export type MembersOf = Readonly<Record<Side, Ids>>;
export type Side = 'producers' | 'consumers' | 'ended';

/** By manifold: those that have any. */
export type ManifoldMembersState = PersistentMap<number, MembersOf>;

const NONE: MembersOf = {
  producers: PersistentMap.empty(),
  consumers: PersistentMap.empty(),
  ended: PersistentMap.empty(),
};

/**
 * The members of each manifold, beside the resources: in the table a manifold has no lists, because each change of a list would copy it. `complete` gives it
 * them, for those that are told of it.
 */
export class ManifoldMembers {
  #state: ManifoldMembersState;

  constructor(state: ManifoldMembersState) {
    this.#state = state;
  }

  get state(): ManifoldMembersState {
    return this.#state;
  }

  of(manifold: number): MembersOf {
    return this.#state.get(manifold) ?? NONE;
  }

  add(manifold: number, side: Side, segment: number): void {
    const members = this.of(manifold);
    this.#state = this.#state.with(manifold, { ...members, [side]: members[side].with(segment, true) });
  }

  remove(manifold: number, side: Side, segment: number): void {
    const members = this.of(manifold);
    this.#state = this.#state.with(manifold, { ...members, [side]: members[side].without(segment) });
  }

  /** Replaces some of its lists. */
  set(manifold: number, lists: Partial<Pick<v1.Manifold, Side>>): void {
    const sets = Object.fromEntries(Object.entries(lists).map(([side, segments]) => [side, idsOf(segments)]));
    this.#state = this.#state.with(manifold, { ...this.of(manifold), ...sets });
  }

  /** It has ended. */
  forget(manifold: number): void {
    this.#state = this.#state.without(manifold);
  }

  /** The resource as others are told of it: a manifold with its members, in order of their creation. */
  complete(resource: v1.Resource): v1.Resource {
    const { id, detail } = resource;
    const members = this.#state.get(id);
    if (detail.case !== 'manifold' || members === undefined) return resource;
    const { producers, consumers, ended } = members;
    const lists = { producers: [...producers.keys()], consumers: [...consumers.keys()], ended: [...ended.keys()] };
    return { ...resource, detail: { case: 'manifold', value: { ...detail.value, ...lists } } };
  }

  /** How many ids `complete` adds to a resource. */
  count(id: number): number {
    const { producers, consumers, ended } = this.of(id);
    return producers.size + consumers.size + ended.size;
  }
}

function idsOf(segments: readonly number[]): Ids {
  return segments.reduce((ids, id) => ids.with(id, true), NONE.producers);
}
