import { type Ref, v1 } from '../../protocol/index.js';
import { isAlive, type Member } from './state/index.js';

/** Told of members of groups in other processes, as of resources of the control plane. */
export interface GroupsListener {
  changed(resource: v1.Resource): void;
  removed(id: number): void;
}

/** What one member of the network offers. */
interface Entry {
  readonly description: v1.MemberDescription;
  /** By the name of the group and the channel. */
  readonly groupMembers: ReadonlyMap<string, v1.Resource>;
  /** Its names count; those of members that are dead or have left do not. */
  readonly isAlive: boolean;
}

/**
 * Where the partitions of other members are, and which names they offer. The addresses of members that were declared dead remain: that may be wrong, and the
 * attempt to reach one shows it.
 */
export class AddressBook {
  readonly #entries = new Map<bigint, Entry>();
  readonly #listeners = new Set<() => void>();
  readonly #groups: GroupsListener;
  /** Resources of the control plane have positive ids. */
  #lastId = 0;

  constructor(groups: GroupsListener) {
    this.#groups = groups;
  }

  /** A member is new or has changed; undefined: it was forgotten. */
  changed(id: bigint, member: Member | undefined): void {
    const known = this.#entries.get(id);
    if (member === undefined) {
      this.#entries.delete(id);
      this.#replaceGroups(known?.groupMembers ?? new Map(), new Map());
    } else {
      const groupMembers = this.#groupMembers(member, known);
      this.#entries.set(id, { description: member.description, isAlive: isAlive(member), groupMembers });
      this.#replaceGroups(known?.groupMembers ?? new Map(), groupMembers);
    }
    for (const listener of this.#listeners) listener();
  }

  /** The address of a partition of a process with this incarnation (0n: any). Undefined where no member is known to have it. */
  locate(ordinal: number, incarnation: bigint): string | undefined {
    const one = this.#entries.get(incarnation);
    const entries = one === undefined ? (incarnation === 0n ? [...this.#entries.values()] : []) : [one];
    for (const { description } of entries) {
      const partition = description.partitions.find((each) => each.ordinal === ordinal);
      if (partition !== undefined) return partition.address;
    }
    return undefined;
  }

  /** The process with this incarnation is, or was, a member. */
  knows(incarnation: bigint): boolean {
    return this.#entries.has(incarnation);
  }

  /** The actor that a living member offers under this name. Of several the one of the member with the lowest id. */
  holder(name: string): Ref | undefined {
    let lowest: readonly [bigint, Ref] | undefined;
    for (const [id, { description, isAlive: lives }] of this.#entries) {
      if (!lives || (lowest !== undefined && lowest[0] < id)) continue;
      const offered = description.names.find((each) => each.name === name && !each.isGroup);
      if (offered?.ref !== undefined) lowest = [id, offered.ref];
    }
    return lowest?.[1];
  }

  /** Calls `listener` after each change. Returns a function that ends that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** The members of groups in other processes. */
  *resources(): Generator<v1.Resource> {
    for (const { groupMembers } of this.#entries.values()) yield* groupMembers.values();
  }

  #groupMembers(member: Member, known: Entry | undefined): ReadonlyMap<string, v1.Resource> {
    const found = new Map<string, v1.Resource>();
    if (!isAlive(member)) return found;
    for (const { name, ref, isGroup } of member.description.names) {
      if (!isGroup || ref === undefined) continue;
      const key = `${ref.cUid} ${name}`;
      found.set(key, known?.groupMembers.get(key) ?? this.#resource(name, ref));
    }
    return found;
  }

  #resource(group: string, ref: Ref): v1.Resource {
    this.#lastId -= 1;
    const detail = { case: 'groupMember', value: { group, ref } } as const;
    return { ...v1.Resource.create({ detail }), id: this.#lastId };
  }

  #replaceGroups(before: ReadonlyMap<string, v1.Resource>, after: ReadonlyMap<string, v1.Resource>): void {
    for (const [key, { id }] of before) if (!after.has(key)) this.#groups.removed(id);
    for (const [key, resource] of after) if (!before.has(key)) this.#groups.changed(resource);
  }
}
