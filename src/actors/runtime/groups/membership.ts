import type { AnyService, Ref, v1 } from '../../../protocol/index.js';
import type { Scheduler, Timer } from '../../../scheduler/index.js';
import { type ActorRef, type ActorSystem, routeKey, type TerminationReason, type Watcher } from '../../kernel/index.js';

/** One actor of a group, as this process sees it. */
export interface Member {
  readonly ref: ActorRef<AnyService>;
  readonly cUid: bigint;
  /** It runs in a partition of this process. */
  readonly isLocal: boolean;
  /** Asks of this process that it has not answered. */
  pending: number;
}

interface Entry extends Member {
  readonly watcher: Watcher;
  /** False while the link to it is lost. */
  isPresent: boolean;
  /** Of the next attempt to reach it. */
  timer: Timer | undefined;
  delayMs: number;
}

export interface MembershipOptions {
  readonly service: AnyService;
  readonly system: ActorSystem;
  readonly scheduler: Scheduler;
  readonly isLocal: (ref: Ref) => boolean;
  /** A number in [0, 1). */
  readonly random: () => number;
}

/** Time in ms after which a lost member is looked for again; it doubles each time. */
const LOOK_AGAIN = { minMs: 100, maxMs: 5_000 };

/**
 * The actors of one group: those that the control plane names, without those that are known to have ended.
 *
 *     joined --> present --unreachable--> absent --the watch is confirmed--> present
 *                   |                       |
 *                   +--stopped, failed, or removed at the control plane--> left
 *
 * An absent member gets no messages. It is watched again and again, until its process confirms that or the control plane removes it.
 */
export class Membership {
  readonly #options: MembershipOptions;
  /** By the resource at the control plane. */
  readonly #entries = new Map<number, Entry>();
  /** Services of actors of the group that are no members for those who use it with this one, by the resource. */
  readonly #strangers = new Map<number, string>();
  #members: readonly Member[] = [];
  #local: readonly Member[] = [];
  #turn: number;
  readonly #listeners = new Set<() => void>();

  constructor(options: MembershipOptions) {
    this.#options = options;
    // Processes, and uses for one message each, must not all begin with the first member.
    this.#turn = Math.floor(options.random() * 2 ** 16);
  }

  /** Those that are present, in the order in which they have joined. */
  get members(): readonly Member[] {
    return this.#members;
  }

  /** Those of them that run in this process. */
  get local(): readonly Member[] {
    return this.#local;
  }

  /** Members of the group that cannot be reached now. */
  get absent(): number {
    return new Set([...this.#entries.values()].map(({ cUid }) => cUid)).size - this.#members.length;
  }

  /** Another service that actors of the group have, where none has this one. */
  get foreignService(): string | undefined {
    const [first] = this.#strangers.values();
    return this.#entries.size === 0 ? first : undefined;
  }

  /** The next one of a list. All references to the group share the turn. */
  inTurn(list: readonly Member[]): Member | undefined {
    return list[this.#turn++ % list.length];
  }

  /** Calls `listener` after each change; returns a function that ends that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** An actor of another service is no member for those who use the group with this one. */
  joined(resource: number, ref: Ref): void {
    const { service, system, isLocal } = this.#options;
    if (this.#entries.has(resource)) return;
    if (ref.service !== service.typeName) {
      this.#strangers.set(resource, ref.service);
      return;
    }
    const watcher: Watcher = {
      terminated: (_route, reason) => this.#ended(resource, reason),
      confirmed: () => this.#found(entry),
    };
    const entry: Entry = {
      ref: system.reference(service, ref),
      cUid: ref.cUid,
      isLocal: isLocal(ref),
      pending: 0,
      watcher,
      isPresent: true,
      timer: undefined,
      delayMs: LOOK_AGAIN.minMs,
    };
    this.#entries.set(resource, entry);
    this.#changed();
    entry.ref[routeKey].watch(watcher);
  }

  left(resource: number): void {
    this.#strangers.delete(resource);
    const entry = this.#entries.get(resource);
    if (entry === undefined) return;
    this.#entries.delete(resource);
    if (entry.timer !== undefined) this.#options.scheduler.clearTimer(entry.timer);
    entry.ref[routeKey].unwatch(entry.watcher);
    this.#changed();
  }

  close(): void {
    this.#listeners.clear();
    for (const resource of this.#entries.keys()) this.left(resource);
  }

  #ended(resource: number, reason: TerminationReason): void {
    const entry = this.#entries.get(resource);
    if (entry === undefined) return;
    if (reason !== 'unreachable') {
      this.left(resource);
      return;
    }
    entry.isPresent = false;
    this.#changed();
    entry.timer = this.#options.scheduler.setTimer(entry.delayMs, () => {
      entry.timer = undefined;
      entry.ref[routeKey].watch(entry.watcher);
    });
    entry.delayMs = Math.min(2 * entry.delayMs, LOOK_AGAIN.maxMs);
  }

  #found(entry: Entry): void {
    entry.delayMs = LOOK_AGAIN.minMs;
    if (entry.isPresent) return;
    entry.isPresent = true;
    this.#changed();
  }

  /** While the control plane starts anew, an actor is a member under its earlier resource and under its new one. */
  #changed(): void {
    const present = [...this.#entries.values()].filter(({ isPresent }) => isPresent);
    this.#members = [...new Map(present.map((entry) => [entry.cUid, entry])).values()];
    this.#local = this.#members.filter(({ isLocal }) => isLocal);
    for (const listener of this.#listeners) listener();
  }
}

/** The member that a resource is; undefined for any other resource. */
export function memberIn({ detail }: v1.Resource): { readonly group: string; readonly ref: Ref } | undefined {
  if (detail.case !== 'groupMember' || detail.value.ref === undefined) return undefined;
  return { group: detail.value.group, ref: detail.value.ref };
}
