import { BackpressureError, UnreachableError } from '../../errors.js';
import { limits } from '../../limits.js';
import { encode, type Ref, v1 } from '../../protocol/index.js';
import type { Timer } from '../../scheduler/index.js';
import { type ActorRef, type Context, routeKey } from '../kernel/index.js';
import { type Part, ReplicaSource } from './replica.js';
import type { Draft, ProcessEntry } from './state/index.js';

/** Time after which an unacknowledged update is sent again, in ms; it doubles each time. */
const REPEAT_UPDATE_MS = 500;
const LONGEST_REPEAT_MS = 30_000;

/** The part of the state that one process mirrors, and which changes it has acknowledged. */
interface View {
  readonly process: ProcessEntry;
  readonly epoch: number;
  readonly client: ActorRef<v1.ControlPlaneClient>;
  readonly cUid: bigint;
  /** Manifolds have no members there: an update gets them when it is made. So a member that joins or leaves costs the same, however many there are. */
  readonly source: ReplicaSource<v1.Resource>;
  /** Groups whose members it mirrors. */
  readonly groups: Set<string>;
  /** Tells its updates and acknowledgements from those of earlier views of the process. */
  number: number;
  /** Its process is sent what it mirrors. */
  isOpen: boolean;
  /** Time at which the pending update is sent again; undefined when every update was acknowledged. */
  repeatAtMs: number | undefined;
  repeatMs: number;
}

const LISTENER = 0;

/** Encoded sizes of resources. Each version of a resource is an object of its own, which all views share. */
const sizes = new WeakMap<v1.Resource, number>();

/** Most that the id of a member takes. */
const MEMBER_BYTES = 5;

function sizeOf(resource: v1.Resource): number {
  const known = sizes.get(resource);
  if (known !== undefined) return known;
  const { length } = encode(v1.Resource, resource);
  sizes.set(resource, length);
  return length;
}

/** Sends each process the part of the state that concerns it, by updates that are repeated until they are acknowledged. */
export class Views {
  readonly #context: Context;
  /** Reads the present state. */
  readonly #known: () => Draft;
  readonly #epoch: () => number;
  readonly #views = new Map<bigint, View>();
  /** Processes by the channel ids of their clients. */
  readonly #byClient = new Map<bigint, bigint>();
  readonly #watching = new Map<string, Set<View>>();
  /** Resources are small, and there may be very many. */
  readonly #part: Part<v1.Resource> = {
    bytes: limits.controlPlaneUpdateBytes,
    sizeOf: (resource) => sizeOf(resource) + MEMBER_BYTES * this.#known().countMembers(resource.id),
  };
  #created = 0;
  #timer: Timer | undefined;

  constructor(context: Context, known: () => Draft, epoch: () => number) {
    this.#context = context;
    this.#known = known;
    this.#epoch = epoch;
  }

  /** Watches the client of a process whose view is opened later. */
  watch(process: ProcessEntry, client: Ref): void {
    this.#create(process, client);
  }

  /** Opens the view of a process, and watches its client; keeps an open view. Returns the first update. */
  open(process: ProcessEntry, client: Ref, groups: readonly string[] = []): v1.Update {
    assertFewGroups(process.pUid, groups.length);
    const known = this.#views.get(process.pUid);
    const view = known?.cUid === client.cUid ? known : this.#create(process, client);
    if (!view.isOpen) this.#fill(view, groups);
    const update = this.#nextUpdate(view);
    if (update === undefined) {
      const { source, epoch, number } = view;
      return v1.Update.create({ base: source.nonce, nonce: source.nonce, epoch, view: number, isComplete: true });
    }
    this.#sent(view);
    return update;
  }

  close(pUid: bigint): void {
    const view = this.#views.get(pUid);
    if (view === undefined) return;
    this.#context.unwatch(view.client);
    this.#views.delete(pUid);
    this.#byClient.delete(view.cUid);
    for (const group of view.groups) this.#stopWatching(view, group);
    // Nobody waits for its acknowledgements any more.
    view.source.forget(LISTENER);
  }

  /** One link to a process was lost: watches its client over another one that is open. False where there is none. */
  watchAgain(pUid: bigint): boolean {
    const client = this.#views.get(pUid)?.client;
    if (client === undefined || client[routeKey].isLinked !== true) return false;
    this.#context.watch(client);
    return true;
  }

  /** Adds the members of a group to a view, until `unwatchGroup`. Resolves when the process has those that there are. */
  watchGroup({ pUid }: ProcessEntry, group: string): Promise<void> {
    const view = this.#views.get(pUid);
    if (view?.isOpen !== true)
      throw new UnreachableError(`Process ${pUid} is not active, so that it watches no group.`);
    if (!view.groups.has(group)) {
      assertFewGroups(pUid, view.groups.size + 1);
      this.#startWatching(view, group);
      for (const member of this.#known().groupMembers(group)) view.source.set(member.id, member);
      this.#send(view);
    }
    return acknowledged(view);
  }

  /** Removes the members of a group from a view. Does nothing for a process that has ended, and for a group that it does not watch. */
  unwatchGroup(pUid: bigint, group: string): void {
    const view = this.#views.get(pUid);
    if (view?.groups.has(group) !== true) return;
    this.#stopWatching(view, group);
    for (const { id } of this.#known().groupMembers(group)) view.source.delete(id);
    this.#send(view);
  }

  /** Resolves when each process that watches a group has acknowledged what has changed so far, or has ended. */
  async settled(group: string): Promise<void> {
    await Promise.all([...(this.#watching.get(group) ?? [])].map(acknowledged));
  }

  /** The process whose client has this channel id. */
  processOf(cUid: bigint): bigint | undefined {
    return this.#byClient.get(cUid);
  }

  /** Does not answer an old acknowledgement: otherwise each update that arrives twice would double all later ones. */
  acknowledge({ pUid, nonce, view: number }: v1.Acknowledgement): void {
    const view = this.#views.get(pUid);
    if (view?.isOpen === true && view.number === number && view.source.acknowledge(LISTENER, nonce) === true) {
      view.repeatAtMs = undefined;
      view.repeatMs = REPEAT_UPDATE_MS;
      this.#send(view);
    }
  }

  /** Updates the views of the processes that a changed resource concerns, or concerned `before`, and sends the changes. */
  publish(changes: readonly number[], before: Draft): void {
    const known = this.#known();
    const changed = new Set<View>();
    for (const id of changes) {
      const [last, resource] = [before.resource(id), known.resource(id)];
      if (last !== undefined && last.detail.case !== resource?.detail.case) {
        for (const view of this.#concernedBy(last, before)) if (view.source.delete(id)) changed.add(view);
      }
      if (resource === undefined) continue;
      for (const view of this.#concernedBy(resource, known)) {
        view.source.set(id, resource);
        changed.add(view);
      }
    }
    for (const view of changed) this.#send(view);
  }

  #concernedBy(resource: v1.Resource, known: Draft): ReadonlySet<View> {
    const { detail } = resource;
    if (detail.case === 'groupMember') return this.#watching.get(detail.value.group) ?? new Set();
    const views = known.concernedBy(resource).map((pUid) => this.#views.get(pUid));
    return new Set(views.filter((view) => view?.isOpen === true).flatMap((view) => view ?? []));
  }

  #create(process: ProcessEntry, client: Ref): View {
    const reference = this.#context.ref(v1.ControlPlaneClient, client);
    this.close(process.pUid);
    const view: View = {
      process,
      number: ++this.#created,
      epoch: this.#epoch(),
      client: reference,
      cUid: client.cUid,
      source: new ReplicaSource(this.#part),
      groups: new Set(),
      isOpen: false,
      repeatAtMs: undefined,
      repeatMs: REPEAT_UPDATE_MS,
    };
    this.#views.set(process.pUid, view);
    this.#byClient.set(client.cUid, process.pUid);
    this.#context.watch(reference);
    return view;
  }

  #fill(view: View, groups: readonly string[]): void {
    const known = this.#known();
    view.isOpen = true;
    for (const group of groups) this.#startWatching(view, group);
    view.source.listen(LISTENER);
    const members = groups.flatMap((group) => known.groupMembers(group));
    for (const resource of [...known.resourcesFor(view.process.pUid), ...members]) {
      view.source.set(resource.id, resource);
    }
  }

  #startWatching(view: View, group: string): void {
    view.groups.add(group);
    const watching = this.#watching.get(group) ?? new Set();
    this.#watching.set(group, watching.add(view));
  }

  #stopWatching(view: View, group: string): void {
    view.groups.delete(group);
    const watching = this.#watching.get(group);
    watching?.delete(view);
    if (watching?.size === 0) this.#watching.delete(group);
  }

  #send(view: View): void {
    if (view.repeatAtMs !== undefined) return;
    if (view.source.isBehind(LISTENER)) this.#beginAnew(view);
    const update = this.#nextUpdate(view);
    if (update === undefined) return;
    this.#sent(view);
    view.client.update(update);
  }

  /** The process is too far behind: a new view of the same has parts of a bounded size, which a snapshot has not. */
  #beginAnew(view: View): void {
    view.number = ++this.#created;
    view.source.restart(LISTENER);
  }

  #nextUpdate({ source, epoch, number }: View): v1.Update | undefined {
    const diff = source.diffFor(LISTENER);
    if (diff === undefined) return undefined;
    const known = this.#known();
    const changed = diff.changed.map((resource) => known.complete(resource));
    return v1.Update.create({ ...diff, changed, epoch, view: number, isComplete: diff.nonce === source.nonce });
  }

  /** The next update follows when this one is acknowledged, or when it is repeated. */
  #sent(view: View): void {
    view.repeatAtMs = this.#context.scheduler.now() + view.repeatMs;
    this.#repeatSoon();
  }

  #repeatSoon(): void {
    if (this.#timer === undefined) {
      this.#timer = this.#context.after(REPEAT_UPDATE_MS, () => this.#repeat());
    }
  }

  /** Sends overdue updates again, from the nonce that the process has acknowledged. */
  #repeat(): void {
    this.#timer = undefined;
    const nowMs = this.#context.scheduler.now();
    for (const view of this.#views.values()) {
      if (view.repeatAtMs !== undefined && view.repeatAtMs <= nowMs) {
        view.repeatAtMs = undefined;
        view.repeatMs = Math.min(2 * view.repeatMs, LONGEST_REPEAT_MS);
        this.#send(view);
      } else if (view.repeatAtMs !== undefined) {
        this.#repeatSoon();
      }
    }
  }
}

function acknowledged({ source }: View): Promise<void> {
  return new Promise((resolve) => source.fence(resolve));
}

function assertFewGroups(pUid: bigint, count: number): void {
  if (count > limits.watchedGroups) {
    throw new BackpressureError(`Process ${pUid} uses ${count - 1} groups already (limit watchedGroups).`);
  }
}
