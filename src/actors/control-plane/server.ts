import { BackpressureError, ProtocolError } from '../../errors.js';
import { limits } from '../../limits.js';
import { type EmptyInit, type Ref, v1 } from '../../protocol/index.js';
import type { Timer } from '../../scheduler/index.js';
import { type Behavior, behavior, type Context, type Later, deadlineOf, later, linkOf } from '../kernel/index.js';
import { IdempotencyCache } from './idempotency-cache.js';
import { definitionHash } from './definition-hash.js';
import { LinkShares } from './link-shares.js';
import { assertNameLength } from './names.js';
import { ControlPlaneStore } from './store.js';
import { Views } from './views.js';
import { WaitingLookups } from './waiting-lookups.js';

/** Time in which a connected process must become active, in ms: until then, no death watch notices its end. */
const BRING_UP_MS = 4 * limits.controlPlaneTimeoutMs;

const DONE: EmptyInit = {};

/**
 * The control plane server: one store, a view of it for each process, and pending lookups. The link detects liveness: a process whose
 * client actor ends, or whose link is lost, is retired.
 */
class Server {
  readonly store: ControlPlaneStore;
  readonly #context: Context;
  readonly #views: Views;
  readonly #lookups: WaitingLookups;
  readonly #followers: WaitingLookups<v1.NameHolderInit>;
  readonly #registered = new IdempotencyCache<v1.PartitionsRegisteredInit>();
  readonly #started = new IdempotencyCache<v1.PipelineStartedInit>();
  readonly #added = new IdempotencyCache<v1.InstanceAddedInit>();
  readonly #done = new IdempotencyCache<EmptyInit>();
  /** Connected processes that are not active yet, with their bring-up timers. */
  readonly #bringUps = new Map<bigint, Timer>();
  /** The link that each process has connected over. Requests in its name over another link are refused. */
  readonly #links = new Map<bigint, object | undefined>();
  /** How many processes have connected over each link. */
  readonly #shares = new LinkShares();

  constructor(context: Context, incarnation: bigint | undefined) {
    this.store = new ControlPlaneStore(incarnation);
    this.#context = context;
    this.#views = new Views(context, this.store);
    this.#lookups = new WaitingLookups(context);
    this.#followers = new WaitingLookups(context);
  }

  // ---- processes

  /** Throws BackpressureError when the processes of this link are as many as `linkProcesses`. */
  connect(request: v1.ConnectProcess, link: object | undefined): v1.ProcessConnectedInit {
    const isNew = !this.store.isConnected(request.launch);
    if (isNew && this.#shares.of(link) >= limits.linkProcesses) {
      throw new BackpressureError(
        `${limits.linkProcesses} processes have connected over this link already (limit linkProcesses).`,
      );
    }
    const { pUid, name, client } = this.store.connect(request);
    if (client !== undefined) {
      this.assertSentBy(pUid, link);
    }
    if (!isNew) this.#shares.drop(this.#links.get(pUid));
    this.#shares.take(link);
    this.#links.set(pUid, link);
    if (client === undefined && !this.#bringUps.has(pUid)) {
      this.#bringUps.set(
        pUid,
        this.#context.after(BRING_UP_MS, () => this.retire(pUid, `process ${pUid} did not become active in time`)),
      );
    }
    this.#publish();
    return { pUid, name };
  }

  /** Throws ProtocolError for a request in the name of a process that arrived over another link than the process's. */
  assertSentBy(pUid: bigint, link: object | undefined): void {
    if (this.#links.has(pUid) && this.#links.get(pUid) !== link) {
      throw new ProtocolError(
        `A request in the name of process ${pUid} was refused: it did not arrive over the link of that process.`,
      );
    }
  }

  registerPartitions({ pUid, tag, addresses }: v1.PartitionsToRegister): v1.PartitionsRegisteredInit {
    return this.#execute(this.#registered, pUid, tag, () => ({
      ordinals: this.store.registerPartitions(pUid, addresses),
    }));
  }

  activate({ pUid, client, segmentsManagers }: v1.ActivateProcess): v1.Update {
    const ref = required(client, 'client');
    // Throws before anything changes where the reference is not a client's.
    this.#context.ref(v1.ControlPlaneClient, ref);
    const process = this.store.activate(pUid, ref, segmentsManagers);
    this.#bringUpEnded(pUid);
    this.#publish();
    return this.#views.open(process, ref);
  }

  retire(pUid: bigint, cause: string, level: 'debug' | 'info' = 'info'): void {
    this.#bringUpEnded(pUid);
    this.#views.close(pUid);
    if (this.#links.has(pUid)) this.#shares.drop(this.#links.get(pUid));
    this.#links.delete(pUid);
    for (const cache of [this.#registered, this.#started, this.#added, this.#done]) {
      cache.forget(pUid);
    }
    if (this.store.retire(pUid, cause) !== undefined) {
      this.#context.log[level]('process retired', { process: String(pUid), cause });
      this.#publish();
    }
  }

  terminated(cUid: bigint): void {
    const pUid = this.#views.processOf(cUid);
    if (pUid !== undefined) {
      this.retire(pUid, `process ${pUid} cannot be reached any more`);
    }
  }

  acknowledge({ pUid, nonce }: v1.Acknowledgement): void {
    this.#views.acknowledge(pUid, nonce);
  }

  // ---- names

  registerName({ pUid, tag, name, ref, isGroup, isStandby }: v1.NameToRegister): EmptyInit {
    const holder = required(ref, 'ref');
    return this.do({ pUid, tag }, () => this.store.registerName(pUid, name, holder, { isGroup, isStandby }));
  }

  unregisterName({ pUid, tag, name, cUid, isGroup }: v1.NameToUnregister): EmptyInit | Later<EmptyInit> {
    const done = this.do({ pUid, tag }, () => this.store.unregisterName(pUid, name, cUid, isGroup));
    return isGroup ? later(this.#views.settled(name).then(() => DONE)) : done;
  }

  watchGroup({ pUid, name }: v1.GroupToWatch): Later<EmptyInit> {
    assertNameLength(name);
    return later(this.#views.watchGroup(this.store.process(pUid), name).then(() => DONE));
  }

  unwatchGroup({ pUid, tag, name }: v1.GroupToUnwatch): EmptyInit {
    return this.do({ pUid, tag }, () => this.#views.unwatchGroup(this.store.process(pUid), name));
  }

  /** The reference of a name, at once or when it is registered before `untilMs`; the mailbox is not held meanwhile. */
  lookup(name: string, untilMs: number, link: object | undefined): Ref | Later<Ref> {
    assertNameLength(name);
    return this.store.names.lookup(name) ?? later(this.#lookups.wait(name, untilMs, link));
  }

  /** The holder of a name, at once when it is another one than is known, or when it changes before `untilMs`. */
  followName(
    { name, known, isFirst }: v1.NameToFollow,
    untilMs: number,
    link: object | undefined,
  ): v1.NameHolderInit | Later<v1.NameHolderInit> {
    assertNameLength(name);
    const ref = this.store.names.lookup(name);
    const isKnown = ref?.cUid === known?.cUid && ref?.incarnation === known?.incarnation;
    return isFirst || !isKnown ? holderOf(ref) : later(this.#followers.wait(name, untilMs, link));
  }

  // ---- pipelines

  startPipeline({ pUid, tag, definition, mapping }: v1.PipelineToStart): v1.PipelineStartedInit {
    return this.#execute(this.#started, pUid, tag, () => ({
      pipeline: this.store.startPipeline(pUid, definition, mapping),
    }));
  }

  addInstance({ pUid, tag, pipeline, segment, partition }: v1.InstanceToAdd): v1.InstanceAddedInit {
    return this.#execute(this.#added, pUid, tag, () => ({
      segment: this.store.pipelines.addInstance(pipeline, segment, partition),
    }));
  }

  /** Executes a request that has an empty reply. */
  do({ pUid, tag }: { readonly pUid: bigint; readonly tag: number }, work: () => void): EmptyInit {
    return this.#execute(this.#done, pUid, tag, () => {
      work();
      return DONE;
    });
  }

  /** Throws UnreachableError for a process that is not connected: it may have been retired while its request was in transit. */
  #execute<Reply>(cache: IdempotencyCache<Reply>, pUid: bigint, tag: number, work: () => Reply): Reply {
    this.store.process(pUid);
    const reply = cache.once(pUid, tag, work);
    this.#publish();
    return reply;
  }

  #bringUpEnded(pUid: bigint): void {
    const timer = this.#bringUps.get(pUid);
    if (timer !== undefined) {
      this.#context.cancel(timer);
      this.#bringUps.delete(pUid);
    }
  }

  #publish(): void {
    const changes = this.store.takeChanges();
    if (changes.length > 0) {
      this.#views.publish(changes);
    }
    for (const name of this.store.names.takeChanged()) {
      const ref = this.store.names.lookup(name);
      if (ref !== undefined) this.#lookups.appeared(name, ref);
      this.#followers.appeared(name, holderOf(ref));
    }
  }
}

export interface ControlPlaneOptions {
  /** Incarnation of the process that runs the server: each incarnation assigns other ids. Default 0n: ids start at the first. */
  readonly incarnation?: bigint;
}

/** The server's behavior. A request that fails is answered with its error; the server continues. */
export function controlPlaneServer({ incarnation }: ControlPlaneOptions = {}): Behavior<v1.ControlPlane, Server> {
  return behavior(v1.ControlPlane, {
    state: (context) => new Server(context, incarnation),
    supervision: { onFailure: 'resume' },

    connect: (server, request, context) => server.connect(request, linkOf(context)),
    registerPartitions: own((server, request) => server.registerPartitions(request)),
    activate: own((server, request) => server.activate(request)),
    activatePartition: own((server, request) => {
      const segmentsManager = required(request.segmentsManager, 'segments_manager');
      return server.do(request, () => server.store.activatePartition(request.pUid, request.ordinal, segmentsManager));
    }),
    retirePartition: own((server, request) =>
      server.do(request, () => server.store.retirePartition(request.pUid, request.ordinal, request.cause)),
    ),
    disconnect: own((server, { pUid }) => {
      // It was stopped: nothing that somebody has to know.
      server.retire(pUid, `process ${pUid} left`, 'debug');
      return DONE;
    }),
    acknowledge: own((server, acknowledgement) => server.acknowledge(acknowledgement)),
    report: own((server, report) => server.do(report, () => server.store.report(report))),

    registerName: own((server, request) => server.registerName(request)),
    unregisterName: own((server, request) => server.unregisterName(request)),
    watchGroup: own((server, request) => server.watchGroup(request)),
    unwatchGroup: own((server, request) => server.unwatchGroup(request)),
    followName: (server, request, context) => server.followName(request, deadlineOf(context), linkOf(context)),
    lookup: (server, { name }, context) => server.lookup(name, deadlineOf(context), linkOf(context)),
    locate: (server, { ordinal, incarnation }) => ({ address: server.store.locate(ordinal, incarnation) ?? '' }),
    findPartitions: (server, request) => ({ partitions: server.store.findPartitions(request) }),

    registerDefinition: own((server, { pUid, definition }) => {
      const { pUid: owner } = server.store.process(pUid);
      const hash = definitionHash(required(definition, 'definition'));
      server.store.pipelines.define(owner, hash, required(definition, 'definition'));
      return { hash };
    }),
    getDefinition: (server, { hash }) => server.store.pipelines.definition(hash),
    startPipeline: own((server, request) => server.startPipeline(request)),
    stopPipeline: own((server, request) => server.do(request, () => server.store.pipelines.stop(request.pipeline))),
    expandPipeline: own((server, parts) => server.do(parts, () => server.store.pipelines.expand(parts))),
    addInstance: own((server, request) => server.addInstance(request)),
    drainSegment: own((server, request) => server.do(request, () => server.store.pipelines.drain(request.segment))),
    list: (server) => ({ resources: [...server.store.resources()], names: server.store.names.list() }),

    on: { terminated: (server, { ref }) => server.terminated(ref.toRef().cUid) },
  });
}

/** A handler of requests that a process makes in its own name. Refuses those that arrived over another link than the process's. */
function own<Request extends { readonly pUid: bigint }, Reply>(
  handle: (server: Server, request: Request) => Reply,
): (server: Server, request: Request, context: Context<Server>) => Reply {
  return (server, request, context) => {
    server.assertSentBy(request.pUid, linkOf(context));
    return handle(server, request);
  };
}

function holderOf(ref: Ref | undefined): v1.NameHolderInit {
  return ref === undefined ? {} : { ref };
}

function required<T>(value: T | undefined, field: string): T {
  if (value === undefined) {
    throw new ProtocolError(`The field "${field}" of this request must be set.`);
  }
  return value;
}
