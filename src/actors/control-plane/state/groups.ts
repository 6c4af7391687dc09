import { BackpressureError } from '../../../errors.js';
import { ownerOrdinal } from '../../../ids/index.js';
import { limits } from '../../../limits.js';
import { PersistentMap } from '../../../persistent-map.js';
import { type Ref, v1 } from '../../../protocol/index.js';
import { assertNameLength } from './names.js';
import type { ResourceTable } from './resource-table.js';

interface Member {
  readonly resource: number;
  readonly group: string;
  readonly pUid: bigint;
  readonly ref: Ref;
}

export interface GroupsState {
  /** Members by the channel ids of their actors. */
  readonly groups: PersistentMap<string, PersistentMap<bigint, Member>>;
  /** Members by their resources. */
  readonly byProcess: PersistentMap<bigint, PersistentMap<number, Member>>;
}

export const NO_GROUPS: GroupsState = { groups: PersistentMap.empty(), byProcess: PersistentMap.empty() };

/** Names that any number of actors have. Each member is a resource, which processes that watch the group mirror. */
export class Groups {
  readonly #table: ResourceTable;
  #groups: GroupsState['groups'];
  #byProcess: GroupsState['byProcess'];

  constructor({ groups, byProcess }: GroupsState, table: ResourceTable) {
    this.#groups = groups;
    this.#byProcess = byProcess;
    this.#table = table;
  }

  get state(): GroupsState {
    return { groups: this.#groups, byProcess: this.#byProcess };
  }

  has(name: string): boolean {
    return this.#groups.has(name);
  }

  /** Resources of the members of a group. */
  members(name: string): readonly number[] {
    return [...(this.#groups.get(name)?.values() ?? [])].map(({ resource }) => resource);
  }

  /** Throws BackpressureError when the group has `groupMembers`, ProtocolError for a name that is too long. */
  join(pUid: bigint, group: string, ref: Ref): void {
    assertNameLength(group);
    const members = this.#groups.get(group) ?? PersistentMap.empty<bigint, Member>();
    if (members.has(ref.cUid)) return;
    if (members.size >= limits.groupMembers) {
      throw new BackpressureError(`The group "${group}" has ${members.size} members already (limit groupMembers).`);
    }
    const value = v1.GroupMember.create({ group, ref, pUid });
    const member = { resource: this.#table.create({ case: 'groupMember', value }), group, pUid, ref };
    this.#groups = this.#groups.with(group, members.with(ref.cUid, member));
    this.#byProcess = this.#byProcess.with(pUid, this.#of(pUid).with(member.resource, member));
  }

  /** The resource of a member has another id. */
  renumbered({ group, ref, pUid }: v1.GroupMember, resource: number): void {
    const members = this.#groups.get(group);
    const member = ref && members?.get(ref.cUid);
    if (members === undefined || member === undefined) return;
    const next = { ...member, resource };
    this.#groups = this.#groups.with(group, members.with(member.ref.cUid, next));
    this.#byProcess = this.#byProcess.with(pUid, this.#of(pUid).without(member.resource).with(resource, next));
  }

  /** Does nothing for an actor of another process, and for one that is no member. */
  leave(pUid: bigint, name: string, cUid: bigint): void {
    const member = this.#groups.get(name)?.get(cUid);
    if (member?.pUid === pUid) this.#remove(member);
  }

  /** Removes the members of a process that has ended. */
  retire(pUid: bigint): void {
    for (const member of this.#of(pUid).values()) this.#remove(member);
  }

  /** Removes the members of a partition of a process, which has ended. */
  retirePartition(pUid: bigint, ordinal: number): void {
    for (const member of this.#of(pUid).values()) {
      if (ownerOrdinal(member.ref.cUid) === ordinal) this.#remove(member);
    }
  }

  #of(pUid: bigint): PersistentMap<number, Member> {
    return this.#byProcess.get(pUid) ?? PersistentMap.empty();
  }

  #remove({ group, pUid, ref, resource }: Member): void {
    const members = this.#groups.get(group)?.without(ref.cUid);
    const own = this.#of(pUid).without(resource);
    this.#groups =
      members === undefined || members.size === 0 ? this.#groups.without(group) : this.#groups.with(group, members);
    this.#byProcess = own.size === 0 ? this.#byProcess.without(pUid) : this.#byProcess.with(pUid, own);
    this.#table.remove(resource);
  }
}
