import { ownerOrdinal } from '../../../ids/index.js';
import type { AnyService, v1 } from '../../../protocol/index.js';
import type { ControlPlaneClient } from '../../control-plane/index.js';
import type { ActorSystem } from '../../kernel/index.js';
import { type GroupRef, groupRef } from './group-ref.js';
import { memberIn, Membership } from './membership.js';
import type { GroupPolicy } from './policy.js';

export interface GroupsOptions {
  readonly client: () => ControlPlaneClient;
  readonly system: ActorSystem;
  readonly ordinals: () => readonly number[];
}

/** The groups that this process uses: passes the changes of their members on to each use. */
export class Groups {
  readonly #options: GroupsOptions;
  readonly #uses = new Map<string, Set<Membership>>();
  /** The groups of the members that are known, by resource. */
  readonly #groups = new Map<number, string>();

  constructor(options: GroupsOptions) {
    this.#options = options;
  }

  /** Resolves when the members that there are have arrived. */
  async use<S extends AnyService>(service: S, name: string, policy: GroupPolicy<S>): Promise<GroupRef<S>> {
    const { client, system, ordinals } = this.#options;
    const membership = new Membership(service, system, ({ cUid }) => ordinals().includes(ownerOrdinal(cUid) ?? -1));
    const uses = this.#uses.get(name) ?? new Set();
    this.#uses.set(name, uses.add(membership));
    try {
      // Another use may have brought them before.
      for (const resource of client().resources()) join(membership, resource, name);
      await client().watchGroup(name);
    } catch (error) {
      uses.delete(membership);
      membership.close();
      throw error;
    }
    return groupRef(name, service, membership, policy, system);
  }

  changed(resource: v1.Resource): void {
    const member = memberIn(resource);
    if (member === undefined) return;
    this.#groups.set(resource.id, member.group);
    for (const membership of this.#uses.get(member.group) ?? []) join(membership, resource, member.group);
  }

  removed(id: number): void {
    const group = this.#groups.get(id);
    if (group === undefined) return;
    this.#groups.delete(id);
    for (const membership of this.#uses.get(group) ?? []) membership.left(id);
  }

  close(): void {
    for (const uses of this.#uses.values()) for (const membership of uses) membership.close();
    this.#uses.clear();
  }
}

function join(membership: Membership, resource: v1.Resource, group: string): void {
  const member = memberIn(resource);
  if (member?.group === group) membership.joined(resource.id, member.ref);
}
