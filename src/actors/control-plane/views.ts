import { BackpressureError, UnreachableError } from '../../errors.js';
import { limits } from '../../limits.js';
import { encode, type Ref, v1 } from '../../protocol/index.js';
import type { Timer } from '../../scheduler/index.js';
import type { ActorRef, Context } from '../kernel/index.js';
import { type Part, ReplicaSource } from './replica.js';
import type { ProcessEntry } from './processes.js';
import type { ControlPlaneStore } from './store.js';

/** Time after which an unacknowledged update is sent again, in ms; it doubles each time. */
const REPEAT_UPDATE_MS = 500;
const LONGEST_REPEAT_MS = 30_000;

/** The part of the store that one process mirrors, and which changes it has acknowledged. */
interface View {
  readonly pUid: bigint;
  /** Tells its updates and acknowledgements from those of earlier views of the process. */
  readonly number: number;
  readonly epoch: number;
  readonly client: ActorRef<v1.ControlPlaneClient>;
  readonly source: ReplicaSource<v1.Resource>;
  /** Groups whose members it mirrors. */
  readonly groups: Set<string>;
  /** Its process is sent what it mirrors. */
  isOpen: boolean;
  /** Time at which the pending update is sent again; undefined when every update was acknowledged. */
  repeatAtMs: number | undefined;
  repeatMs: number;
}

const LISTENER = 0;

/** Resources are small, and there may be very many. */
const PART: Part<v1.Resource> = {
  bytes: limits.controlPlaneUpdateBytes,
  sizeOf: (resource) => encode(v1.Resource, resource).length,
};

/** Sends each process the part of the store that concerns it, by updates that are repeated until they are acknowledged. */
export class Views {
  readonly #context: Context;
  readonly #store: ControlPlaneStore;
  readonly #epoch: () => number;
  readonly #views = new Map<bigint, View>();
  #created = 0;
  #timer: Timer | undefined;

  constructor(context: Context, store: ControlPlaneStore, epoch: () => number) {
    this.#context = context;
    this.#store = store;
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
    const view = known?.client.toRef().cUid === client.cUid ? known : this.#create(process, client);
    if (!view.isOpen) this.#fill(view, process, groups);
    const { source, epoch, number } = view;
    const update = updateFor(view);
    if (update === undefined) return v1.Update.create({ base: source.nonce, nonce: source.nonce, epoch, view: number });
    this.#sent(view);
    return update;
  }

  /** The nonce at which the view of a process has all that it has now. */
  nonceOf(pUid: bigint): number {
    return this.#views.get(pUid)?.source.nonce ?? 0;
  }

  close(pUid: bigint): void {
    const view = this.#views.get(pUid);
    if (view !== undefined) {
      this.#context.unwatch(view.client);
      this.#views.delete(pUid);
      // Nobody waits for its acknowledgements any more.
      view.source.forget(LISTENER);
    }
  }

  /** Adds the members of a group to a view, until `unwatchGroup`. Resolves when the process has those that there are. */
  watchGroup({ pUid }: ProcessEntry, group: string): Promise<void> {
    const view = this.#views.get(pUid);
    if (view?.isOpen !== true)
      throw new UnreachableError(`Process ${pUid} is not active, so that it watches no group.`);
    if (!view.groups.has(group)) {
      assertFewGroups(pUid, view.groups.size + 1);
      view.groups.add(group);
      for (const resource of this.#store.resources()) {
        const { detail, id } = resource;
        if (detail.case === 'groupMember' && detail.value.group === group) view.source.set(id, resource);
      }
      this.#send(view);
    }
    return acknowledged(view);
  }

  /** Removes the members of a group from a view. Does nothing for a process that has ended, and for a group that it does not watch. */
  unwatchGroup(process: ProcessEntry, group: string): void {
    const view = this.#views.get(process.pUid);
    if (view?.groups.delete(group) !== true) return;
    for (const resource of view.source.entries()) {
      const { detail, id } = resource;
      const isMember = detail.case === 'groupMember' && detail.value.group === group;
      if (isMember && !this.#concerns(process, resource)) view.source.delete(id);
    }
    this.#send(view);
  }

  /** Resolves when each process that watches a group has acknowledged what has changed so far, or has ended. */
  async settled(group: string): Promise<void> {
    const watching = [...this.#views.values()].filter(({ groups, isOpen }) => isOpen && groups.has(group));
    await Promise.all(watching.map(acknowledged));
  }

  /** The process whose client has this channel id. */
  processOf(cUid: bigint): bigint | undefined {
    for (const { pUid, client } of this.#views.values()) {
      if (client.toRef().cUid === cUid) {
        return pUid;
      }
    }
    return undefined;
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

  /** Updates every view with the changed resources, and sends the changes. */
  publish(changes: readonly number[]): void {
    for (const view of this.#views.values()) {
      if (!view.isOpen) continue;
      const process = this.#store.process(view.pUid);
      for (const id of changes) {
        const resource = this.#store.resource(id);
        if (resource === undefined) {
          view.source.delete(id);
        } else if (this.#concerns(process, resource) || isOfGroups(view, resource)) {
          view.source.set(id, resource);
        }
      }
      this.#send(view);
    }
  }

  #create(process: ProcessEntry, client: Ref): View {
    const reference = this.#context.ref(v1.ControlPlaneClient, client);
    this.close(process.pUid);
    const view: View = {
      pUid: process.pUid,
      number: ++this.#created,
      epoch: this.#epoch(),
      client: reference,
      source: new ReplicaSource(PART),
      groups: new Set(),
      isOpen: false,
      repeatAtMs: undefined,
      repeatMs: REPEAT_UPDATE_MS,
    };
    this.#views.set(process.pUid, view);
    this.#context.watch(reference);
    return view;
  }

  #fill(view: View, process: ProcessEntry, groups: readonly string[]): void {
    view.isOpen = true;
    for (const group of groups) view.groups.add(group);
    view.source.listen(LISTENER);
    for (const resource of this.#store.resources()) {
      if (this.#concerns(process, resource) || isOfGroups(view, resource)) {
        view.source.set(resource.id, resource);
      }
    }
  }

  /** True when the process needs to know of the resource. */
  #concerns(process: ProcessEntry, { detail }: v1.Resource): boolean {
    if (process.managesPipelines) {
      return true;
    }
    switch (detail.case) {
      case 'partition':
      case 'process':
        return detail.value.pUid === process.pUid;
      case 'pipeline':
        return detail.value.startedBy === process.pUid;
      case 'segment':
        return (
          process.ordinals.includes(detail.value.partition) || this.#startedBy(detail.value.pipeline) === process.pUid
        );
      case 'manifold':
      case 'groupMember':
      case undefined:
        return false;
    }
  }

  #startedBy(pipeline: number): bigint | undefined {
    const resource = this.#store.resource(pipeline);
    return resource?.detail.case === 'pipeline' ? resource.detail.value.startedBy : undefined;
  }

  #send(view: View): void {
    const update = view.repeatAtMs === undefined ? updateFor(view) : undefined;
    if (update === undefined) return;
    this.#sent(view);
    view.client.update(update);
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

function isOfGroups({ groups }: View, { detail }: v1.Resource): boolean {
  return detail.case === 'groupMember' && groups.has(detail.value.group);
}

function acknowledged({ source }: View): Promise<void> {
  return new Promise((resolve) => source.fence(resolve));
}

function assertFewGroups(pUid: bigint, count: number): void {
  if (count > limits.watchedGroups) {
    throw new BackpressureError(`Process ${pUid} uses ${count - 1} groups already (limit watchedGroups).`);
  }
}

function updateFor({ source, epoch, number }: View): v1.Update | undefined {
  const diff = source.diffFor(LISTENER);
  return diff && v1.Update.create({ ...diff, epoch, view: number });
}
