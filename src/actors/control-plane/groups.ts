import { BackpressureError } from '../../errors.js';
import { ownerOrdinal } from '../../ids/index.js';
import { limits } from '../../limits.js';
import { type Ref, v1 } from '../../protocol/index.js';
import { assertNameLength } from './names.js';
import type { ResourceTable } from './resource-table.js';

interface Member {
  readonly resource: number;
  readonly pUid: bigint;
  readonly ref: Ref;
}

/** Names that any number of actors have. Each member is a resource, which processes that watch the group mirror. */
export class Groups {
  readonly #table: ResourceTable;
  readonly #groups = new Map<string, Map<bigint, Member>>();

  constructor(table: ResourceTable) {
    this.#table = table;
  }

  has(name: string): boolean {
    return this.#groups.has(name);
  }

  /** Throws BackpressureError when the group has `groupMembers`, ProtocolError for a name that is too long. */
  join(pUid: bigint, name: string, ref: Ref): void {
    assertNameLength(name);
    const members = this.#groups.get(name) ?? new Map<bigint, Member>();
    if (members.has(ref.cUid)) return;
    if (members.size >= limits.groupMembers) {
      throw new BackpressureError(`The group "${name}" has ${members.size} members already (limit groupMembers).`);
    }
    const value = v1.GroupMember.create({ group: name, ref, pUid });
    members.set(ref.cUid, { resource: this.#table.create({ case: 'groupMember', value }), pUid, ref });
    this.#groups.set(name, members);
  }

  /** Does nothing for an actor of another process, and for one that is no member. */
  leave(pUid: bigint, name: string, cUid: bigint): void {
    this.#remove(name, (member) => member.pUid === pUid && member.ref.cUid === cUid);
  }

  /** Removes the members of a process that has ended. */
  retire(pUid: bigint): void {
    for (const name of this.#groups.keys()) this.#remove(name, (member) => member.pUid === pUid);
  }

  /** Removes the members of a partition of a process, which has ended. */
  retirePartition(pUid: bigint, ordinal: number): void {
    for (const name of this.#groups.keys()) {
      this.#remove(name, ({ pUid: owner, ref }) => owner === pUid && ownerOrdinal(ref.cUid) === ordinal);
    }
  }

  #remove(name: string, isMeant: (member: Member) => boolean): void {
    const members = this.#groups.get(name);
    for (const [cUid, member] of members ?? []) {
      if (!isMeant(member)) continue;
      members?.delete(cUid);
      this.#table.remove(member.resource);
    }
    if (members?.size === 0) this.#groups.delete(name);
  }
}
