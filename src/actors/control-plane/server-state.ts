import { type ConfigError, Refusal } from '../../errors.js';
import { namedMessageOf } from '../../foreign.js';
import { type EmptyInit, type Ref, v1 } from '../../protocol/index.js';
import { type Context, type Later, later, type MessageLink, type TerminationReason } from '../kernel/index.js';
import { ANNOUNCE, Connections } from './connections.js';
import type { Enrolled } from './member-roll.js';
import { findEnded, type Predecessor, Recovery } from './recovery.js';
import {
  type Answer,
  apply,
  assertNameLength,
  assertNotDeposed,
  type Content,
  type ControlPlaneOptions,
  type ControlPlaneState,
  Draft,
  type Effect,
  type EventKind,
  initialState,
  required,
} from './state/index.js';
import { Views } from './views.js';
import { refusalOf, WaitingLookups } from './waiting-lookups.js';

const DONE: EmptyInit = {};

/** How the names of the runtime's own actors begin. They contain ids, so that no other process has them. */
const RUNTIME_NAMES = 'millrace/';

/** Time that a process has to announce itself before it is dialed to see whether it has ended, in ms. */
const DIAL_AFTER_MS = 100;

/**
 * The control plane server around the state: it makes events of messages, and carries out their effects by views, answers to lookups and timers.
 * What belongs to links and actors is here: which process speaks over which link, and who waits. The link detects liveness: a process whose client
 * actor ends, or whose last link is lost, is retired.
 */
export class ServerState {
  readonly #context: Context;
  readonly #views: Views;
  readonly #lookups: WaitingLookups;
  readonly #followers: WaitingLookups<v1.NameHolderInit>;
  readonly #recovery: Recovery;
  readonly #connections: Connections;
  readonly #predecessor: Predecessor | undefined;
  /** The processes that there were before, until the recovery is over. */
  #awaited: readonly Enrolled[] = [];
  /** Processes that have announced themselves, and not yet all they have. */
  readonly #announcing = new Set<bigint>();
  #state: ControlPlaneState;
  /** Reads `#state`. */
  #known: Draft;

  constructor(context: Context, options: ControlPlaneOptions, predecessor?: Predecessor) {
    this.#context = context;
    this.#predecessor = predecessor;
    this.#state = initialState(options);
    this.#known = new Draft(this.#state);
    this.#connections = new Connections(context);
    const isMissing = (): boolean => this.#announcing.size > 0 || this.#known.isPartMissing();
    this.#recovery = new Recovery(context, isMissing, () => this.#recovered());
    this.#views = new Views(
      context,
      () => this.#known,
      () => this.#state.server.epoch,
    );
    this.#lookups = new WaitingLookups(context);
    this.#followers = new WaitingLookups(context);
    predecessor?.roll.begin(() => this.#enrolled());
    if (this.#state.server.recovery !== 'running') return;
    this.#recovery.begin();
    if (predecessor === undefined) return;
    this.#awaitAll(predecessor).catch((error: unknown) =>
      context.log.debug('the recovery takes its whole time', { error: namedMessageOf(error) }),
    );
  }

  // ---- recovery

  /** The recovery is over when each process that there was has announced itself, or has ended. */
  async #awaitAll({ roll, hasEnded }: Predecessor): Promise<void> {
    const before = await roll.before();
    if (before === undefined || this.#state.server.recovery !== 'running') return;
    this.#awaited = before;
    this.#recovery.awaits(before.map(({ pUid }) => pUid));
    await new Promise<void>((resolve) => void this.#context.after(DIAL_AFTER_MS, resolve));
    const silent = before.filter(({ pUid, address }) => this.#recovery.isAwaited(pUid) && address !== '');
    await findEnded(silent, hasEnded, (pUid) => this.#recovery.done(pUid));
  }

  #recovered(): void {
    this.#awaited = [];
    this.#apply('recoveryEnded', DONE);
    this.#rollChanged();
  }

  /** What the next control plane has to wait for. */
  #enrolled(): readonly Enrolled[] {
    const { members } = this.#known;
    const present = [...members.all()].map(({ pUid, ordinals: [first] }) => {
      const address = first === undefined ? undefined : members.locate(first, 0n);
      return { pUid, address: address ?? '' };
    });
    return [...present, ...this.#awaited.filter(({ pUid }) => !members.has(pUid))];
  }

  #rollChanged(): void {
    // Rejects where this server is not to serve any more.
    this.#predecessor?.roll.changed().catch(() => {});
  }

  /** Does the work when the next control plane would wait for this process. */
  #whenEnrolled<T>(pUid: bigint, work: () => T): T | Later<T> {
    const roll = this.#predecessor?.roll;
    return roll === undefined ? work() : later(roll.enrolled(pUid).then(work));
  }

  // ---- events

  /** A request of a member, as it is. Throws the error with which it is refused. */
  request<Kind extends EventKind>(kind: Kind, content: Content<Kind>): Answer<Kind> {
    return this.#apply(kind, content);
  }

  #apply<Kind extends EventKind>(kind: Kind, content: Content<Kind>): Answer<Kind> {
    const before = this.#known;
    const { state, effects, answer } = apply(this.#state, kind, content);
    if (state !== this.#state) {
      this.#state = state;
      this.#known = new Draft(state);
    }
    for (const effect of effects) this.#carryOut(effect, before);
    if ('error' in answer) throw answer.error;
    return answer.reply;
  }

  #carryOut(effect: Effect, before: Draft): void {
    switch (effect.kind) {
      case 'changed':
        this.#views.publish(effect.ids, before);
        break;
      case 'named':
        if (effect.holder !== undefined) this.#lookups.appeared(effect.name, effect.holder);
        this.#followers.appeared(effect.name, holderOf(effect.holder));
        break;
      case 'unwatched':
        this.#views.unwatchGroup(effect.pUid, effect.group);
        break;
      case 'recovering':
        this.#recovery.begin();
        break;
    }
  }

  // ---- processes

  get identity(): v1.ServerIdentityInit {
    const { epoch, incarnation } = this.#state.server;
    return { epoch, incarnation };
  }

  connect(request: v1.ConnectProcess, link: MessageLink | undefined): v1.ProcessConnectedInit {
    if (!this.#known.members.isConnected(request.launch)) this.#connections.assertRoom(link);
    const { pUid, name, client } = this.#apply('connect', request);
    if (client !== undefined) this.#connections.assertSentBy(pUid, link);
    this.#connections.connected(pUid, link);
    if (client === undefined) this.#expectActive(pUid);
    return { pUid, name, server: this.identity };
  }

  /** See Members.readmit. A process that was not lost here comes over another link than before: it has lost the first. */
  announce(announcement: v1.Announcement, link: MessageLink | undefined): v1.ProcessAnnouncedInit {
    const { pUid, process, server } = announcement;
    const { launch, incarnation } = required(process, 'process');
    if (!this.#known.members.isConnected(launch)) this.#connections.assertRoom(link);
    // The process that serves the control plane never loses the link to it, and may begin anew over that.
    else if (incarnation !== 0n && incarnation === this.#state.server.incarnation) {
      this.#connections.assertSentBy(pUid, link);
    }
    this.#apply('succeed', required(server, 'server'));
    const entry = this.#apply('announce', announcement);
    this.#connections.connected(pUid, link);
    this.#expectActive(pUid);
    if (entry.client === undefined) {
      this.#views.close(pUid);
    } else {
      this.#announcing.add(pUid);
      this.#views.watch(entry, entry.client);
    }
    return { name: entry.name, server: this.identity };
  }

  /** Answered when the recovery is over: until then, the view would lack what others have not announced yet. */
  resume({ pUid, groups }: v1.ProcessToResume): v1.ProcessResumedInit | Later<v1.ProcessResumedInit> {
    for (const group of groups) assertNameLength(group);
    this.#announcing.delete(pUid);
    const resume = (): v1.ProcessResumedInit => {
      const process = this.#known.members.get(pUid);
      this.#connections.active(pUid);
      return { update: this.#views.open(process, required(process.client, 'client'), groups) };
    };
    this.#recovery.done(pUid);
    const roll = this.#predecessor?.roll;
    if (roll === undefined) return this.#recovery.after(resume);
    return later(this.#recovery.waited(() => roll.enrolled(pUid)).then(resume));
  }

  #expectActive(pUid: bigint): void {
    this.#connections.expectActive(pUid, () => this.retire(pUid, `process ${pUid} did not become active in time`));
  }

  /** See `assertNotDeposed` of the state. */
  assertNotDeposed(epoch: number): void {
    assertNotDeposed(this.#state.server, epoch);
  }

  /** A Refusal for a process that must announce itself first: this control plane has started after its last one, or has given it up. */
  assertMember(
    { pUid, epoch = 0 }: { readonly pUid: bigint; readonly epoch?: number },
    link: MessageLink | undefined,
  ): void {
    this.assertNotDeposed(epoch);
    if (!this.#known.members.has(pUid) || epoch > this.#state.server.epoch) {
      throw new Refusal(ANNOUNCE, `Process ${pUid} is not connected to the control plane: it must announce itself.`);
    }
    this.#connections.assertSentBy(pUid, link);
  }

  activate(request: v1.ActivateProcess): v1.Update | Later<v1.Update> {
    const client = required(request.client, 'client');
    // Throws before anything changes where the reference is not a client's.
    this.#context.ref(v1.ControlPlaneClient, client);
    this.#apply('activate', request);
    return this.#whenEnrolled(request.pUid, () => {
      const process = this.#known.members.get(request.pUid);
      this.#connections.active(request.pUid);
      return this.#views.open(process, client);
    });
  }

  retire(pUid: bigint, cause: string, isLost = false, level: 'debug' | 'info' = 'info'): void {
    this.#connections.ended(pUid);
    this.#announcing.delete(pUid);
    this.#views.close(pUid);
    if (this.#apply('retire', { pUid, cause, isLost }) !== undefined) {
      this.#context.log[level]('process retired', { process: String(pUid), cause });
      this.#rollChanged();
    }
  }

  terminated(cUid: bigint, reason: TerminationReason): void {
    const pUid = this.#views.processOf(cUid);
    if (pUid === undefined) return;
    if (reason === 'unreachable' && this.#views.watchAgain(pUid)) {
      // It knows that its link has ended, or learns it, and announces itself over another one.
      if (this.#connections.hasLostLink(pUid)) this.#expectActive(pUid);
      return;
    }
    this.retire(pUid, `process ${pUid} cannot be reached any more`, reason === 'unreachable');
  }

  /** A late one, of a process that is not connected here, changes nothing. */
  acknowledge(acknowledgement: v1.Acknowledgement, link: MessageLink | undefined): void {
    this.#connections.assertSentBy(acknowledgement.pUid, link);
    this.#views.acknowledge(acknowledgement);
  }

  disconnect({ pUid, epoch }: v1.DisconnectProcess, link: MessageLink | undefined): EmptyInit {
    if (!this.#known.members.has(pUid)) return DONE;
    this.assertMember({ pUid, epoch }, link);
    // It was stopped: nothing that somebody has to know.
    this.retire(pUid, `process ${pUid} left`, false, 'debug');
    return DONE;
  }

  // ---- names and groups

  /** During a recovery a name of users waits: its holder may not have announced itself yet. */
  registerName(request: v1.NameToRegister): v1.NameRegisteredInit | Later<v1.NameRegisteredInit> {
    required(request.ref, 'ref');
    const register = (): v1.NameRegisteredInit => this.#apply('registerName', request);
    return request.isGroup || request.name.startsWith(RUNTIME_NAMES) ? register() : this.#recovery.after(register);
  }

  unregisterName(request: v1.NameToUnregister): EmptyInit | Later<EmptyInit> {
    const done = this.#apply('unregisterName', request);
    const settled = (): Promise<void> => this.#views.settled(request.name);
    return request.isGroup ? later(this.#recovery.waited(settled).then(() => DONE)) : done;
  }

  /** During a recovery the group may lack members that have not been announced yet. */
  watchGroup({ pUid, name }: v1.GroupToWatch): Later<EmptyInit> {
    assertNameLength(name);
    const watch = (): Promise<void> => this.#views.watchGroup(this.#known.members.get(pUid), name);
    return later(this.#recovery.waited(watch).then(() => DONE));
  }

  // ---- questions

  /** During a recovery, a partition that is not known may be one whose process has not announced itself yet. */
  locate({ ordinal, incarnation }: v1.OrdinalToLocate): v1.LocationInit | Later<v1.LocationInit> {
    const address = this.#known.members.locate(ordinal, incarnation);
    if (address !== undefined) return { address };
    return this.#recovery.after(() => ({ address: this.#known.members.locate(ordinal, incarnation) ?? '' }));
  }

  findPartitions(conditions: v1.PartitionsToFind): v1.PartitionsFoundInit | Later<v1.PartitionsFoundInit> {
    return this.#recovery.after(() => ({ partitions: this.#known.findPartitions(conditions) }));
  }

  /** The reference of a name, at once or when it is registered before `untilMs`; the mailbox is not held meanwhile. */
  lookup({ name, service }: v1.NameToLookup, untilMs: number, link: MessageLink | undefined): Ref | Later<Ref> {
    assertNameLength(name);
    const check = (found: Ref): ConfigError | undefined => refusalOf({ name, service }, found);
    const ref = this.#known.names.lookup(name);
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
    link: MessageLink | undefined,
  ): Later<v1.NameHolderInit> {
    assertNameLength(name);
    const follow = async (): Promise<v1.NameHolderInit> => {
      const ref = this.#known.names.lookup(name);
      const isKnown = ref?.cUid === known?.cUid && ref?.incarnation === known?.incarnation;
      return isFirst || !isKnown ? holderOf(ref) : this.#followers.wait(name, untilMs, link);
    };
    return later(this.#recovery.waited(follow));
  }

  /** During a recovery a definition may not have been announced yet. */
  definition(hash: string): v1.PipelineDefinition | Later<v1.PipelineDefinition> {
    return this.#recovery.after(() => this.#known.pipelines.definition(hash));
  }

  list(): v1.ResourcesInit {
    return { resources: [...this.#known.resources()], names: this.#known.names.list() };
  }
}

function holderOf(ref: Ref | undefined): v1.NameHolderInit {
  return ref === undefined ? {} : { ref };
}
