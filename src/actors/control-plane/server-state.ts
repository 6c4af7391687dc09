import { BackpressureError, ConfigError, ProtocolError, Refusal } from '../../errors.js';
import { incarnationOfTerm } from '../../ids/index.js';
import { limits } from '../../limits.js';
import { type EmptyInit, type Ref, v1 } from '../../protocol/index.js';
import { type Context, type Later, later, type TerminationReason } from '../kernel/index.js';
import { Connections } from './connections.js';
import { IdempotencyCache } from './idempotency-cache.js';
import { assertNameLength } from './names.js';
import { Recovery } from './recovery.js';
import { ControlPlaneStore } from './store.js';
import { Views } from './views.js';
import { refusalOf, WaitingLookups } from './waiting-lookups.js';

export const DONE: EmptyInit = {};

/** How the names of the runtime's own actors begin. They contain ids, so that no other process has them. */
const RUNTIME_NAMES = 'millrace/';

const HIGHEST_EPOCH = 2 ** 31;

/** Reason of the Refusal of a request whose process must announce itself first. */
export const ANNOUNCE = 'ANNOUNCE';
/** Reason of the Refusal of a request whose process follows a later control plane than this one. */
export const DEPOSED = 'DEPOSED';

export interface ControlPlaneOptions {
  /** Incarnation of the process that runs the server: each incarnation assigns other ids. Default 0n: ids start at the first. */
  readonly incarnation?: bigint;
  /**
   * What an election has given it: each leader has a higher one than those before. Above 1, it waits for the announcements of the cluster.
   * Default: 1, or the one after the highest that the processes know which announce themselves.
   */
  readonly epoch?: number;
}

/**
 * The control plane server: one store, a view of it for each process, and pending lookups. The link detects liveness: a process whose
 * client actor ends, or whose link is lost, is retired.
 */
export class ServerState {
  readonly store: ControlPlaneStore;
  readonly #context: Context;
  readonly #views: Views;
  readonly #lookups: WaitingLookups;
  readonly #followers: WaitingLookups<v1.NameHolderInit>;
  readonly #recovery: Recovery;
  readonly #incarnation: bigint;
  readonly #isEpochGiven: boolean;
  #epoch: number;
  readonly #registered = new IdempotencyCache<v1.PartitionsRegisteredInit>();
  readonly #started = new IdempotencyCache<v1.PipelineStartedInit>();
  readonly #added = new IdempotencyCache<v1.InstanceAddedInit>();
  readonly #named = new IdempotencyCache<v1.NameRegisteredInit>();
  readonly #announced = new IdempotencyCache<v1.NamesRegisteredInit>();
  readonly #done = new IdempotencyCache<EmptyInit>();
  readonly #connections: Connections;

  constructor(context: Context, { incarnation = 0n, epoch }: ControlPlaneOptions) {
    this.store = new ControlPlaneStore(incarnationOfTerm(incarnation, epoch ?? 1));
    this.#context = context;
    this.#connections = new Connections(context);
    this.#incarnation = incarnation;
    this.#isEpochGiven = epoch !== undefined;
    this.#epoch = epoch ?? 1;
    this.#recovery = new Recovery(context, () => {
      this.store.names.settle();
      this.#publish();
    });
    this.#views = new Views(context, this.store, () => this.#epoch);
    if (this.#epoch > 1) this.#recovery.begin();
    this.#lookups = new WaitingLookups(context);
    this.#followers = new WaitingLookups(context);
  }

  // ---- processes

  get identity(): v1.ServerIdentityInit {
    return { epoch: this.#epoch, incarnation: this.#incarnation };
  }

  connect(request: v1.ConnectProcess, link: object | undefined): v1.ProcessConnectedInit {
    const isNew = !this.store.isConnected(request.launch);
    if (isNew) this.#connections.assertRoom(link);
    const { pUid, name, client } = this.store.connect(request);
    if (client !== undefined) this.#connections.assertSentBy(pUid, link);
    this.#connections.connected(pUid, link);
    if (client === undefined) this.#expectActive(pUid);
    this.#publish();
    return { pUid, name, server: this.identity };
  }

  /** See ControlPlaneStore.readmit. A process that was not lost here comes over another link than before: it has lost the first. */
  announce(announcement: v1.Announcement, link: object | undefined): v1.ProcessAnnouncedInit {
    const { pUid, process, server } = announcement;
    const { launch, incarnation } = required(process, 'process');
    if (!this.store.isConnected(launch)) this.#connections.assertRoom(link);
    else if (incarnation !== 0n && incarnation === this.#incarnation) {
      throw new ProtocolError('An announcement was refused: the process that serves the control plane never loses it.');
    }
    this.#succeed(required(server, 'server'));
    const entry = this.store.readmit(announcement);
    this.#connections.connected(pUid, link);
    this.#expectActive(pUid);
    if (entry.client === undefined) this.#views.close(pUid);
    else this.#views.watch(entry, entry.client);
    this.#publish();
    return { name: entry.name, server: this.identity };
  }

  /** Answered when the recovery is over: until then, the view would lack what others have not announced yet. */
  resume({ pUid, groups }: v1.ProcessToResume): v1.ProcessResumedInit | Later<v1.ProcessResumedInit> {
    for (const group of groups) assertNameLength(group);
    return this.#recovery.after(() => {
      const process = this.store.process(pUid);
      this.#connections.active(pUid);
      const update = this.#views.open(process, required(process.client, 'client'), groups);
      return { update, nonce: this.#views.nonceOf(pUid) };
    });
  }

  /** Where the epoch is not given by an election, it follows on those that the processes know. A Refusal where this one is deposed. */
  #succeed({ epoch, incarnation }: v1.ServerIdentity): void {
    if (incarnation === this.#incarnation) return;
    this.assertNotDeposed(epoch);
    if (epoch >= HIGHEST_EPOCH) throw new ProtocolError(`No control plane has the epoch ${epoch}.`);
    if (!this.#isEpochGiven) this.#epoch = Math.max(this.#epoch, epoch + 1);
    this.#recovery.begin();
  }

  #expectActive(pUid: bigint): void {
    this.#connections.expectActive(pUid, () => this.retire(pUid, `process ${pUid} did not become active in time`));
  }

  /** A Refusal for a request of a process that follows a control plane of a later epoch than this one, which must not answer it. */
  assertNotDeposed(epoch: number): void {
    if (epoch > this.#epoch && this.#isEpochGiven) {
      throw new Refusal(DEPOSED, `Another control plane has followed on this one, of epoch ${this.#epoch}.`);
    }
  }

  /** A Refusal for a process that must announce itself first: this control plane has started after its last one, or has given it up. */
  assertMember(
    { pUid, epoch = 0 }: { readonly pUid: bigint; readonly epoch?: number },
    link: object | undefined,
  ): void {
    this.assertNotDeposed(epoch);
    if (!this.store.hasProcess(pUid) || epoch > this.#epoch) {
      throw new Refusal(ANNOUNCE, `Process ${pUid} is not connected to the control plane: it must announce itself.`);
    }
    this.#connections.assertSentBy(pUid, link);
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
    this.#connections.active(pUid);
    this.#publish();
    return this.#views.open(process, ref);
  }

  retire(pUid: bigint, cause: string, isLost = false, level: 'debug' | 'info' = 'info'): void {
    this.#connections.ended(pUid);
    this.#views.close(pUid);
    for (const cache of [this.#registered, this.#started, this.#added, this.#named, this.#announced, this.#done]) {
      cache.forget(pUid);
    }
    if (this.store.retire(pUid, cause, isLost) !== undefined) {
      this.#context.log[level]('process retired', { process: String(pUid), cause });
      this.#publish();
    }
  }

  terminated(cUid: bigint, reason: TerminationReason): void {
    const pUid = this.#views.processOf(cUid);
    if (pUid !== undefined) {
      this.retire(pUid, `process ${pUid} cannot be reached any more`, reason === 'unreachable');
    }
  }

  /** A late one, of a process that is not connected here, changes nothing. */
  acknowledge(acknowledgement: v1.Acknowledgement, link: object | undefined): void {
    this.#connections.assertSentBy(acknowledgement.pUid, link);
    this.#views.acknowledge(acknowledgement);
  }

  disconnect({ pUid, epoch }: v1.DisconnectProcess, link: object | undefined): EmptyInit {
    if (!this.store.hasProcess(pUid)) return DONE;
    this.assertMember({ pUid, epoch }, link);
    // It was stopped: nothing that somebody has to know.
    this.retire(pUid, `process ${pUid} left`, false, 'debug');
    return DONE;
  }

  // ---- names

  /** During a recovery a name of users waits: its holder may not have announced itself yet. */
  registerName(request: v1.NameToRegister): v1.NameRegisteredInit | Later<v1.NameRegisteredInit> {
    const { pUid, tag, name, isGroup, isStandby } = request;
    const ref = required(request.ref, 'ref');
    const register = (): v1.NameRegisteredInit =>
      this.#execute(this.#named, pUid, tag, () => ({
        place: this.store.registerName(pUid, name, ref, { isGroup, isStandby }),
      }));
    return isGroup || name.startsWith(RUNTIME_NAMES) ? register() : this.#recovery.after(register);
  }

  /** The names of a process that has announced itself. One that is refused does not keep the others. */
  registerNames({ pUid, tag, names }: v1.NamesToRegister): v1.NamesRegisteredInit {
    if (names.length > limits.announcedNames) {
      throw new ProtocolError(`A request has ${names.length} names: the limit is ${limits.announcedNames}.`);
    }
    return this.#execute(this.#announced, pUid, tag, () => {
      const refused: v1.RefusedName[] = [];
      const places = names.map((entry) => {
        try {
          return this.#readmitName(pUid, entry);
        } catch (error) {
          if (!(error instanceof ConfigError || error instanceof BackpressureError)) throw error;
          refused.push(v1.RefusedName.create({ entry, why: error.message }));
          return 0;
        }
      });
      return { refused, places };
    });
  }

  /** During a recovery an actor keeps its place for the name. Later it has lost that to those who came meanwhile. */
  #readmitName(pUid: bigint, { name, ref, isGroup, isStandby, place }: v1.AnnouncedName): number {
    const regained = this.#recovery.isRunning && place > 0 ? place : undefined;
    return this.store.registerName(pUid, name, required(ref, 'ref'), { isGroup, isStandby, regained });
  }

  unregisterName({ pUid, tag, name, cUid, isGroup }: v1.NameToUnregister): EmptyInit | Later<EmptyInit> {
    const done = this.do({ pUid, tag }, () => this.store.unregisterName(pUid, name, cUid, isGroup));
    const settled = (): Promise<void> => this.#views.settled(name);
    return isGroup ? later(this.#recovery.waited(settled).then(() => DONE)) : done;
  }

  /** During a recovery the group may lack members that have not been announced yet. */
  watchGroup({ pUid, name }: v1.GroupToWatch): Later<EmptyInit> {
    assertNameLength(name);
    const watch = (): Promise<void> => this.#views.watchGroup(this.store.process(pUid), name);
    return later(this.#recovery.waited(watch).then(() => DONE));
  }

  unwatchGroup({ pUid, tag, name }: v1.GroupToUnwatch): EmptyInit {
    return this.do({ pUid, tag }, () => this.#views.unwatchGroup(this.store.process(pUid), name));
  }

  /** During a recovery, a partition that is not known may be one whose process has not announced itself yet. */
  locate({ ordinal, incarnation }: v1.OrdinalToLocate): v1.LocationInit | Later<v1.LocationInit> {
    const address = this.store.locate(ordinal, incarnation);
    if (address !== undefined) return { address };
    return this.#recovery.after(() => ({ address: this.store.locate(ordinal, incarnation) ?? '' }));
  }

  findPartitions(conditions: v1.PartitionsToFind): v1.PartitionsFoundInit | Later<v1.PartitionsFoundInit> {
    return this.#recovery.after(() => ({ partitions: this.store.findPartitions(conditions) }));
  }

  /** The reference of a name, at once or when it is registered before `untilMs`; the mailbox is not held meanwhile. */
  lookup({ name, service }: v1.NameToLookup, untilMs: number, link: object | undefined): Ref | Later<Ref> {
    assertNameLength(name);
    const check = (found: Ref): ConfigError | undefined => refusalOf({ name, service }, found);
    const ref = this.store.names.lookup(name);
    if (ref === undefined) return later(this.#lookups.wait(name, untilMs, link, check));
    const refusal = check(ref);
    if (refusal !== undefined) throw refusal;
    return ref;
  }

  /**
   * The holder of a name, at once when it is another one than is known, or when it changes before `untilMs`. During a recovery it waits: the
   * holder may not have announced itself yet.
   */
  followName(
    { name, known, isFirst }: v1.NameToFollow,
    untilMs: number,
    link: object | undefined,
  ): Later<v1.NameHolderInit> {
    assertNameLength(name);
    const follow = async (): Promise<v1.NameHolderInit> => {
      const ref = this.store.names.lookup(name);
      const isKnown = ref?.cUid === known?.cUid && ref?.incarnation === known?.incarnation;
      return isFirst || !isKnown ? holderOf(ref) : this.#followers.wait(name, untilMs, link);
    };
    return later(this.#recovery.waited(follow));
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

function holderOf(ref: Ref | undefined): v1.NameHolderInit {
  return ref === undefined ? {} : { ref };
}

/** Throws ProtocolError. */
export function required<T>(value: T | undefined, field: string): T {
  if (value === undefined) {
    throw new ProtocolError(`The field "${field}" of this request must be set.`);
  }
  return value;
}
