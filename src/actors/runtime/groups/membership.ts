import type { AnyService, Ref, v1 } from '../../../protocol/index.js';
import { type ActorSystem, routeKey, type UntypedRef, type Watcher } from '../../kernel/index.js';

/** One actor of a group, as this process sees it. */
export interface Member {
  readonly ref: UntypedRef;
  readonly cUid: bigint;
  /** It runs in a partition of this process. */
  readonly isLocal: boolean;
  /** Asks of this process that it has not answered. */
  pending: number;
}

/** The actors of one group: those that the control plane names, without those that are known to have ended. */
export class Membership {
  readonly #service: AnyService;
  readonly #system: ActorSystem;
  readonly #isLocal: (ref: Ref) => boolean;
  /** By the resource at the control plane. */
  readonly #members = new Map<number, Member & { readonly watcher: Watcher }>();
  #list: readonly Member[] = [];

  constructor(service: AnyService, system: ActorSystem, isLocal: (ref: Ref) => boolean) {
    this.#service = service;
    this.#system = system;
    this.#isLocal = isLocal;
  }

  /** In the order in which they have joined. */
  get members(): readonly Member[] {
    return this.#list;
  }

  /** An actor of another service is no member for those who use the group with this one. */
  joined(resource: number, ref: Ref): void {
    if (this.#members.has(resource) || ref.service !== this.#service.typeName) return;
    const actor = this.#system.reference(this.#service, ref);
    const watcher: Watcher = { terminated: () => this.left(resource) };
    this.#members.set(resource, { ref: actor, cUid: ref.cUid, isLocal: this.#isLocal(ref), pending: 0, watcher });
    this.#changed();
    actor[routeKey].watch(watcher);
  }

  left(resource: number): void {
    const member = this.#members.get(resource);
    if (member === undefined) return;
    member.ref[routeKey].unwatch(member.watcher);
    this.#members.delete(resource);
    this.#changed();
  }

  close(): void {
    for (const resource of this.#members.keys()) this.left(resource);
  }

  /** While the control plane starts anew, an actor is a member under its earlier resource and under its new one. */
  #changed(): void {
    this.#list = [...new Map([...this.#members.values()].map((member) => [member.cUid, member])).values()];
  }
}

/** The member that a resource is; undefined for any other resource. */
export function memberIn({ detail }: v1.Resource): { readonly group: string; readonly ref: Ref } | undefined {
  if (detail.case !== 'groupMember' || detail.value.ref === undefined) return undefined;
  return { group: detail.value.group, ref: detail.value.ref };
}
