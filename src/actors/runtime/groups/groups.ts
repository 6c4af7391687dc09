import { ConfigError, StoppedError } from '../../../errors.js';
import { namedMessageOf } from '../../../foreign.js';
import { ownerOrdinal } from '../../../ids/index.js';
import type { Logger } from '../../../logging/index.js';
import type { AnyService, Ref, v1 } from '../../../protocol/index.js';
import type { Scheduler } from '../../../scheduler/index.js';
import type { ControlPlaneClient } from '../../control-plane/index.js';
import type { ActorRef, ActorSystem, GroupPolicy, GroupRef } from '../../kernel/index.js';
import { GroupCalls } from './group-calls.js';
import { groupRef } from './group-ref.js';
import { memberIn, Membership } from './membership.js';

/** Where the members of groups come from: the control plane, or what has them from there. */
export interface GroupSource extends Pick<ControlPlaneClient, 'watchGroup' | 'unwatchGroup'> {
  resources(): Iterable<v1.Resource>;
}

export interface GroupsOptions {
  readonly client: () => GroupSource;
  readonly system: ActorSystem;
  readonly scheduler: Scheduler;
  readonly log: Logger;
  readonly ordinals: () => readonly number[];
}

/** Called with the members that can be reached, after each change. */
export type GroupListener<S extends AnyService> = (members: readonly ActorRef<S>[]) => void;

/** A group that this process uses. References with the same service share the members. */
interface Use {
  readonly memberships: Map<AnyService, Membership>;
  /** Called after each change of the members. */
  readonly followers: Set<() => void>;
  /** References that are not closed. */
  references: number;
  /** Resolves when the members have arrived, or rejects when they cannot. */
  readonly watched: Promise<void>;
}

/** The groups that this process uses: passes the changes of their members on to each use. */
export class Groups {
  readonly #options: GroupsOptions;
  readonly #uses = new Map<string, Use>();
  /** Groups that the control plane is being told to send no more. */
  readonly #leaving = new Map<string, Promise<void>>();
  /** The groups of the members that are known, by resource. */
  readonly #groups = new Map<number, string>();
  readonly #random: () => number;

  constructor(options: GroupsOptions) {
    this.#options = options;
    this.#random = options.scheduler.fork('groups');
  }

  /** Resolves when the members that there are have arrived. `closed` is called once, when the reference is closed. */
  async use<S extends AnyService>(
    service: S,
    name: string,
    policy: GroupPolicy<S>,
    closed: () => void = () => {},
    timeoutMs?: number,
  ): Promise<GroupRef<S>> {
    const { membership, release } = await this.#holdOf(service, name, timeoutMs);
    const close = (): void => {
      release();
      closed();
    };
    return groupRef(service, new GroupCalls(name, membership, policy, this.#options.system, close));
  }

  /** Resolves when `listener` was called with the members that there are. */
  async watch<S extends AnyService>(service: S, name: string, listener: GroupListener<S>): Promise<() => void> {
    const { system, log } = this.#options;
    const { membership, release } = await this.#holdOf(service, name);
    const notify = (): void => {
      try {
        listener(membership.members.map(({ ref }) => system.reference(service, ref.toRef())));
      } catch (error) {
        log.error('a listener of a group threw', { name, error });
      }
    };
    notify();
    const unsubscribe = membership.onChange(notify);
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      unsubscribe();
      release();
    };
  }

  /** Rejects with ConfigError where all actors of the group are of another service. */
  async #holdOf(
    service: AnyService,
    name: string,
    timeoutMs?: number,
  ): Promise<{ membership: Membership; release: () => void }> {
    const held = await this.hold(service, name, timeoutMs);
    const { foreignService } = held.membership;
    if (foreignService === undefined) return held;
    held.release();
    throw new ConfigError(
      `The actors of the group "${name}" are of the service ${foreignService}, and it is asked for as a group of ${service.typeName}: use that service, or another name.`,
    );
  }

  changed(resource: v1.Resource): void {
    const member = memberIn(resource);
    if (member === undefined) return;
    this.#groups.set(resource.id, member.group);
    for (const membership of this.#memberships(member.group)) membership.joined(resource.id, member.ref);
    this.#tellFollowers(member.group);
  }

  removed(id: number): void {
    const group = this.#groups.get(id);
    if (group === undefined) return;
    this.#groups.delete(id);
    for (const membership of this.#memberships(group)) membership.left(id);
    this.#tellFollowers(group);
  }

  /**
   * Resolves when the members that there are, of any service, have arrived. From then on `listener` is called after each change, until the caller
   * calls `release`, once.
   */
  async follow(
    name: string,
    listener: () => void,
  ): Promise<{ readonly members: () => readonly Ref[]; readonly release: () => void }> {
    const use = this.#uses.get(name) ?? this.#begin(name);
    use.references++;
    use.followers.add(listener);
    const release = (): void => {
      use.followers.delete(listener);
      this.#release(name, use);
    };
    try {
      await use.watched;
    } catch (error) {
      release();
      throw error;
    }
    const members = (): Ref[] => {
      const all = [...this.#options.client().resources()].map(memberIn);
      return all.flatMap((member) => (member?.group === name ? [member.ref] : []));
    };
    return { members, release };
  }

  close(): void {
    for (const { memberships } of this.#uses.values()) for (const each of memberships.values()) each.close();
    this.#uses.clear();
  }

  /**
   * The members, which change until the caller calls `release`, once. Resolves when those that there are have arrived. `timeoutMs`: for the control
   * plane to answer, where no other use of the group has asked it.
   */
  async hold(
    service: AnyService,
    name: string,
    timeoutMs?: number,
  ): Promise<{ membership: Membership; release: () => void }> {
    const use = this.#uses.get(name) ?? this.#begin(name, timeoutMs);
    use.references++;
    const membership = use.memberships.get(service) ?? this.#membership(service, name, use);
    const release = (): void => this.#release(name, use);
    try {
      await use.watched;
      return { membership, release };
    } catch (error) {
      release();
      throw error;
    }
  }

  #begin(name: string, timeoutMs?: number): Use {
    const use: Use = {
      memberships: new Map(),
      followers: new Set(),
      references: 0,
      watched: this.#watch(name, timeoutMs),
    };
    this.#uses.set(name, use);
    return use;
  }

  async #watch(name: string, timeoutMs: number | undefined): Promise<void> {
    await this.#leaving.get(name);
    await this.#options.client().watchGroup(name, timeoutMs);
  }

  /** Another use may have brought the members before. */
  #membership(service: AnyService, name: string, use: Use): Membership {
    const { client, system, scheduler } = this.#options;
    const isLocal = (ref: Ref): boolean => this.#isLocal(ref);
    const membership = new Membership({ service, system, scheduler, isLocal, random: this.#random });
    use.memberships.set(service, membership);
    for (const resource of client().resources()) {
      const member = memberIn(resource);
      if (member?.group === name) membership.joined(resource.id, member.ref);
    }
    return membership;
  }

  /** A reference is closed. With the last one, the control plane sends the members no more. */
  #release(name: string, use: Use): void {
    use.references--;
    if (use.references > 0 || this.#uses.get(name) !== use) return;
    this.#uses.delete(name);
    for (const membership of use.memberships.values()) membership.close();
    const left = this.#leave(name).finally(() => {
      if (this.#leaving.get(name) === left) this.#leaving.delete(name);
    });
    this.#leaving.set(name, left);
  }

  async #leave(name: string): Promise<void> {
    const { client, log } = this.#options;
    try {
      await client().unwatchGroup(name);
    } catch (error) {
      if (!(error instanceof StoppedError)) {
        log.debug('a group was not left', { name, error: namedMessageOf(error) });
      }
    }
  }

  #tellFollowers(group: string): void {
    for (const listener of this.#uses.get(group)?.followers ?? []) listener();
  }

  #memberships(group: string): Iterable<Membership> {
    return this.#uses.get(group)?.memberships.values() ?? [];
  }

  #isLocal({ cUid }: Ref): boolean {
    return this.#options.ordinals().includes(ownerOrdinal(cUid) ?? -1);
  }
}
