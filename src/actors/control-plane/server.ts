import { ProtocolError } from '../../errors.js';
import { type Ref, v1 } from '../../protocol/index.js';
import type { Timer } from '../../scheduler/index.js';
import { type ActorRef, type Behavior, behavior, type Context, type Later, later } from '../kernel/index.js';
import { AnsweredRequests } from './answered.js';
import { definitionHash } from './definition-hash.js';
import { ReplicaSource } from './replica.js';
import { ControlPlaneStore, type ProcessEntry } from './store.js';

/** Time after which an update that was not acknowledged is sent again, in ms. */
const REPEAT_UPDATE_MS = 500;

/** What one process sees of the store, and how far it has followed. */
interface View {
  readonly pUid: bigint;
  readonly client: ActorRef<v1.ControlPlaneClient>;
  readonly source: ReplicaSource<v1.Resource>;
  /** Nonce that was sent and not yet acknowledged. */
  sent: number | undefined;
}

interface Waiting {
  readonly name: string;
  readonly found: (ref: Ref) => void;
}

const LISTENER = 0;

/**
 * The control plane server: one store, a view of it for each process, and the names. Liveness is the link's: a process whose client
 * actor ends, or whose link is lost, is retired.
 */
class Server {
  readonly store = new ControlPlaneStore();
  readonly registered = new AnsweredRequests<v1.PartitionsRegisteredInit>();
  readonly started = new AnsweredRequests<v1.PipelineStartedInit>();
  readonly added = new AnsweredRequests<v1.InstanceAddedInit>();
  readonly #context: Context;
  readonly #views = new Map<bigint, View>();
  #waiting: Waiting[] = [];
  #repeat: Timer | undefined;

  constructor(context: Context) {
    this.#context = context;
  }

  activate(pUid: bigint, client: Ref, segmentsManagers: readonly Ref[]): v1.Update {
    const reference = this.#context.ref(v1.ControlPlaneClient, client);
    this.store.activate(pUid, client, segmentsManagers);
    const view: View = { pUid, client: reference, source: new ReplicaSource(), sent: undefined };
    view.source.listen(LISTENER);
    this.#views.set(pUid, view);
    const entry = this.store.process(pUid);
    for (const resource of this.store.resources()) {
      if (this.#concerns(entry, resource)) {
        view.source.set(resource.id, resource);
      }
    }
    this.#context.watch(reference);
    this.publish();
    return updateFor(view) ?? v1.Update.create({ isSnapshot: true });
  }

  terminated(cUid: bigint): void {
    for (const view of this.#views.values()) {
      if (view.client.toRef().cUid === cUid) {
        this.retire(view.pUid, `process ${view.pUid} cannot be reached any more`);
        return;
      }
    }
  }

  retire(pUid: bigint, cause: string): void {
    const view = this.#views.get(pUid);
    if (view !== undefined) {
      this.#context.unwatch(view.client);
      this.#views.delete(pUid);
    }
    this.registered.forget(pUid);
    this.started.forget(pUid);
    this.added.forget(pUid);
    if (this.store.retire(pUid, cause) !== undefined) {
      this.#context.log.info('process retired', { process: String(pUid), cause });
    }
    this.publish();
  }

  acknowledge(pUid: bigint, nonce: number): void {
    const view = this.#views.get(pUid);
    if (view === undefined) {
      return;
    }
    view.source.acknowledge(LISTENER, nonce);
    view.sent = undefined;
    this.#send(view);
  }

  /** The reference under a name, at once or when it appears; the mailbox is not held meanwhile. */
  lookup(name: string): Ref | Later<Ref> {
    const found = this.store.lookup(name);
    return found ?? later(new Promise((resolve) => this.#waiting.push({ name, found: resolve })));
  }

  /** Brings every view up to date with the store, and sends what is new. */
  publish(): void {
    const changes = this.store.takeChanges();
    for (const view of this.#views.values()) {
      const entry = this.store.process(view.pUid);
      for (const id of changes) {
        const resource = this.store.resource(id);
        if (resource === undefined) {
          view.source.delete(id);
        } else if (this.#concerns(entry, resource)) {
          view.source.set(id, resource);
        }
      }
      this.#send(view);
    }
    this.#waiting = this.#waiting.filter(({ name, found }) => {
      const ref = this.store.lookup(name);
      if (ref !== undefined) {
        found(ref);
      }
      return ref === undefined;
    });
  }

  published<Reply>(reply: Reply): Reply {
    this.publish();
    return reply;
  }

  /** Does a process need to know of a resource? */
  #concerns(process: ProcessEntry, { detail }: v1.Resource): boolean {
    if (process.managesPipelines) {
      return true;
    }
    switch (detail.case) {
      case 'partition':
        return detail.value.pUid === process.pUid;
      case 'pipeline':
        return detail.value.startedBy === process.pUid;
      case 'segment':
        return (
          process.ordinals.includes(detail.value.partition) || this.#startedBy(detail.value.pipeline) === process.pUid
        );
      case 'process':
        return detail.value.pUid === process.pUid;
      case 'manifold':
      case undefined:
        return false;
    }
  }

  #startedBy(pipeline: number): bigint | undefined {
    const resource = this.store.resource(pipeline);
    return resource?.detail.case === 'pipeline' ? resource.detail.value.startedBy : undefined;
  }

  #send(view: View): void {
    if (view.sent !== undefined) {
      return;
    }
    const update = updateFor(view);
    if (update !== undefined) {
      view.sent = update.nonce;
      view.client.update(update);
      this.#repeat ??= this.#context.after(REPEAT_UPDATE_MS, () => this.#repeatUpdates());
    }
  }

  /** Whatever was not acknowledged since the last time is sent again, from where the process said it is. */
  #repeatUpdates(): void {
    this.#repeat = undefined;
    for (const view of this.#views.values()) {
      if (view.sent !== undefined) {
        view.sent = undefined;
        this.#send(view);
      }
    }
  }
}

function updateFor({ source }: View): v1.Update | undefined {
  const diff = source.diffFor(LISTENER);
  return diff && v1.Update.create({ ...diff });
}

/** The server's behavior. Every request that fails is answered with its error; none ends the server. */
export function controlPlaneServer(): Behavior<v1.ControlPlane, Server> {
  return behavior(v1.ControlPlane, {
    state: (context) => new Server(context),
    supervision: { onFailure: 'resume' },

    connect: (server, request) => {
      const { pUid } = server.store.connect(request);
      server.publish();
      return { pUid };
    },
    registerPartitions: (server, { pUid, tag, addresses }) =>
      server.registered.once(pUid, tag, () => ({ ordinals: server.store.registerPartitions(pUid, addresses) })),
    activate: (server, { pUid, client, segmentsManagers }) =>
      server.activate(pUid, required(client, 'client'), segmentsManagers),
    disconnect: (server, { pUid }) => {
      server.retire(pUid, `process ${pUid} left`);
      return {};
    },
    acknowledge: (server, { pUid, nonce }) => server.acknowledge(pUid, nonce),
    report: (server, report) => {
      server.store.report(report);
      server.publish();
      return {};
    },

    registerName: (server, { pUid, name, ref }) => {
      server.store.registerName(pUid, name, required(ref, 'ref'));
      server.publish();
      return {};
    },
    unregisterName: (server, { name, cUid }) => {
      server.store.unregisterName(name, cUid);
      return {};
    },
    lookup: (server, { name }) => server.lookup(name),
    locate: (server, { ordinal }) => ({ address: server.store.locate(ordinal) }),

    registerDefinition: (server, { definition }) => {
      const hash = definitionHash(required(definition, 'definition'));
      server.store.registerDefinition(hash, required(definition, 'definition'));
      return { hash };
    },
    getDefinition: (server, { hash }) => server.store.definition(hash),
    startPipeline: (server, { pUid, tag, definition, mapping }) => {
      const start = () => ({ pipeline: server.store.startPipeline(pUid, definition, mapping) });
      return server.published(server.started.once(pUid, tag, start));
    },
    stopPipeline: (server, { pipeline }) => {
      server.store.stopPipeline(pipeline);
      server.publish();
      return {};
    },
    expandPipeline: (server, parts) => {
      server.store.expandPipeline(parts);
      server.publish();
      return {};
    },
    addInstance: (server, { pUid, tag, pipeline, segment, partition }) => {
      const add = () => ({ segment: server.store.addInstance(pipeline, segment, partition) });
      return server.published(server.added.once(pUid, tag, add));
    },
    drainSegment: (server, { segment }) => {
      server.store.drainSegment(segment);
      server.publish();
      return {};
    },
    list: (server) => ({ resources: [...server.store.resources()], names: server.store.names() }),

    on: { terminated: (server, { ref }) => server.terminated(ref.toRef().cUid) },
  });
}

function required<T>(value: T | undefined, field: string): T {
  if (value === undefined) {
    throw new ProtocolError(`The field "${field}" of this request must be set.`);
  }
  return value;
}
