import { limits } from '../../limits.js';
import { encode, type Ref, v1 } from '../../protocol/index.js';
import type { Timer } from '../../scheduler/index.js';
import type { ActorRef, Context } from '../kernel/index.js';
import { type Part, ReplicaSource } from './replica.js';
import type { ControlPlaneStore, ProcessEntry } from './store.js';

/** Time after which an update that was not acknowledged is sent again, in ms; each time twice as long. */
const REPEAT_UPDATE_MS = 500;
const LONGEST_REPEAT_MS = 30_000;

/** What one process sees of the store, and how far it has followed. */
interface View {
  readonly pUid: bigint;
  readonly client: ActorRef<v1.ControlPlaneClient>;
  readonly source: ReplicaSource<v1.Resource>;
  /** An update was sent and not yet acknowledged: it is sent again then. */
  repeatAtMs: number | undefined;
  repeatMs: number;
}

const LISTENER = 0;

/** Resources are small, and there may be very many. */
const PART: Part<v1.Resource> = {
  bytes: limits.controlPlaneUpdateBytes,
  sizeOf: (resource) => encode(v1.Resource, resource).length,
};

/** The part of the store that each process is concerned with, kept equal there by updates that are repeated until acknowledged. */
export class Views {
  readonly #context: Context;
  readonly #store: ControlPlaneStore;
  readonly #views = new Map<bigint, View>();
  #timer: Timer | undefined;

  constructor(context: Context, store: ControlPlaneStore) {
    this.#context = context;
    this.#store = store;
  }

  /** Begins the view of a process, and watches its client; where there is one already it goes on. Returns what is missing there. */
  open(process: ProcessEntry, client: Ref): v1.Update {
    const known = this.#views.get(process.pUid);
    const view = known?.client.toRef().cUid === client.cUid ? known : this.#create(process, client);
    return updateFor(view) ?? v1.Update.create({ base: view.source.nonce, nonce: view.source.nonce });
  }

  close(pUid: bigint): void {
    const view = this.#views.get(pUid);
    if (view !== undefined) {
      this.#context.unwatch(view.client);
      this.#views.delete(pUid);
    }
  }

  /** The process whose client has this channel. */
  processOf(cUid: bigint): bigint | undefined {
    for (const { pUid, client } of this.#views.values()) {
      if (client.toRef().cUid === cUid) {
        return pUid;
      }
    }
    return undefined;
  }

  /** What brings no news is not answered: or else each update that arrives twice would double those that follow. */
  acknowledge(pUid: bigint, nonce: number): void {
    const view = this.#views.get(pUid);
    if (view?.source.acknowledge(LISTENER, nonce) === true) {
      view.repeatAtMs = undefined;
      view.repeatMs = REPEAT_UPDATE_MS;
      this.#send(view);
    }
  }

  /** Brings every view up to date with these resources of the store, and sends what is new. */
  publish(changes: readonly number[]): void {
    for (const view of this.#views.values()) {
      const process = this.#store.process(view.pUid);
      for (const id of changes) {
        const resource = this.#store.resource(id);
        if (resource === undefined) {
          view.source.delete(id);
        } else if (this.#concerns(process, resource)) {
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
      client: reference,
      source: new ReplicaSource(PART),
      repeatAtMs: undefined,
      repeatMs: REPEAT_UPDATE_MS,
    };
    view.source.listen(LISTENER);
    for (const resource of this.#store.resources()) {
      if (this.#concerns(process, resource)) {
        view.source.set(resource.id, resource);
      }
    }
    this.#views.set(process.pUid, view);
    this.#context.watch(reference);
    return view;
  }

  /** Does a process need to know of a resource? */
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
    if (update !== undefined) {
      view.repeatAtMs = this.#context.scheduler.now() + view.repeatMs;
      view.client.update(update);
      this.#repeatSoon();
    }
  }

  #repeatSoon(): void {
    if (this.#timer === undefined) {
      this.#timer = this.#context.after(REPEAT_UPDATE_MS, () => this.#repeat());
    }
  }

  /** Whatever was not acknowledged in its time is sent again, from where the process said it is. */
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

function updateFor({ source }: View): v1.Update | undefined {
  const diff = source.diffFor(LISTENER);
  return diff && v1.Update.create({ ...diff });
}
