import { type MillraceError, StoppedError, UnreachableError } from '../../errors.js';
import { messageOf } from '../../foreign.js';
import { ownerOrdinal } from '../../ids/index.js';
import { limits } from '../../limits.js';
import type { Logger } from '../../logging/index.js';
import type { Ref, v1 } from '../../protocol/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import type { Link, Transport } from '../../transport/index.js';
import { type ActorSystem, describeActor, type Route } from '../kernel/index.js';
import { Channel } from './channel.js';
import { ChannelTable, holderKey } from './channel-table.js';
import { Departure } from './departure.js';
import { Dials } from './dials.js';
import { FlushTurns } from './flush-turns.js';
import { Introductions } from './introductions.js';
import type { Kinship } from './kinship.js';
import { RemoteRoute, type RouteChannels } from './remote-route.js';
import type { MessageFields } from './message-fields.js';
import { LostPeers } from './lost-peers.js';
import { type Holder, isHolder, type Locate, PeerAddresses } from './peer-addresses.js';
import type { ChannelOptions, ChannelServices, RouterServices } from './peer-link.js';
import { PeerName } from './peer-name.js';
import { BacklogBuffers } from './backlog-buffers.js';
import { GrantedBytes } from './stream-window.js';
import { WaitingReplies } from './waiting-replies.js';
import { addTraffic, NO_TRAFFIC, type Traffic } from './traffic.js';
import { ended, unreachable, UnreachablePeers } from './unreachable-peers.js';

export interface RouterOptions {
  readonly system: ActorSystem;
  readonly scheduler: Scheduler;
  readonly transport: Transport;
  readonly log: Logger;
  readonly limits?: Partial<RouterServices['limits']>;
  /** Of the partitions of this process. Without it nobody is taken for one. */
  readonly kinship?: Kinship | undefined;
}

/** Whom a link is opened to: an address, or the holder of an ordinal. */
interface Target {
  readonly key: string;
  readonly name: PeerName;
  readonly holder?: Holder;
}

/**
 * Connects the mailboxes of one partition with its links: finds the link to an actor, and flushes all links once a turn. A channel id
 * contains the ordinal of its owner; the control plane knows the address of that partition.
 */
export class Router implements ChannelServices<Channel>, RouteChannels {
  readonly system: ActorSystem;
  readonly scheduler: Scheduler;
  readonly limits: RouterServices['limits'];
  readonly backlogBuffers = new BacklogBuffers();
  readonly departure: Departure;
  readonly grantedBytes: GrantedBytes;
  readonly waitingReplies: WaitingReplies;
  readonly kinship: Kinship | undefined;
  fields: MessageFields | undefined;
  readonly #transport: Transport;
  readonly #log: Logger;
  readonly #channels = new Set<Channel>();
  readonly #table = new ChannelTable<Channel>();
  readonly #unreachable = new UnreachablePeers<Channel>();
  readonly #lost = new LostPeers();
  readonly #addresses = new PeerAddresses((ordinal, incarnation) => this.#locate(ordinal, incarnation));
  readonly #introductions: Introductions;
  readonly #dials: Dials<Channel>;
  readonly #flushes: FlushTurns<Channel>;
  #locate: Locate = () =>
    Promise.reject(
      new UnreachableError('This partition has not joined a control plane yet, so it cannot look up other partitions.'),
    );
  #address = '';
  #ordinal: number | undefined;
  #isClosed = false;
  #endedTraffic = NO_TRAFFIC;
  protocolErrors = 0;

  constructor(options: RouterOptions) {
    this.system = options.system;
    this.scheduler = options.scheduler;
    this.departure = new Departure(options.scheduler);
    this.limits = {
      frameBytes: limits.frameBytes,
      maxMessageBytes: limits.maxMessageBytes,
      linkBacklogBytes: limits.linkBacklogBytes,
      rpcStreamsBytes: limits.rpcStreamsBytes,
      replyBytes: limits.replyBytes,
      ...options.limits,
    };
    this.kinship = options.kinship;
    this.#introductions = new Introductions(this, this.#table, this.#unreachable);
    this.#flushes = new FlushTurns(options.scheduler, () => options.transport.flush());
    this.waitingReplies = new WaitingReplies(this.limits.replyBytes, () => options.scheduler.now());
    this.grantedBytes = new GrantedBytes(this.limits.rpcStreamsBytes);
    this.#transport = options.transport;
    this.#dials = new Dials(options.transport, options.scheduler);
    this.#log = options.log;
    this.system.setRemoteRoutes((ref, name) => this.route(ref, name));
  }

  get address(): string {
    return this.#address;
  }

  /** Undefined until it has joined a control plane. */
  get ordinal(): number | undefined {
    return this.#ordinal;
  }

  channels(): IterableIterator<Channel> {
    return this.#channels.values();
  }

  /** Peers that the last attempt has not reached: see UnreachablePeers. */
  attempts(): ReturnType<UnreachablePeers<Channel>['attempts']> {
    return this.#unreachable.attempts();
  }

  /** Totals of all links, including those that have ended. */
  traffic(): Traffic {
    let sum = this.#endedTraffic;
    for (const channel of this.#channels) sum = addTraffic(sum, channel.traffic());
    return sum;
  }

  async listen(): Promise<string> {
    this.#address = await this.#transport.listen((link) => this.#accept(link));
    return this.#address;
  }

  /** The partition has its block of ids, and can look up other partitions. */
  join(ordinal: number, locate: Locate, fields?: MessageFields): void {
    this.#ordinal = ordinal;
    this.fields = fields;
    this.#locate = locate;
    for (const channel of this.#channels) {
      for (const message of this.greeting(channel)) channel.announce(message);
    }
  }

  /** The partition's process has ended for good: there was an attempt to reach it. */
  hasEnded(ordinal: number, incarnation: bigint): boolean {
    return this.#unreachable.hasEnded(holderKey(ordinal, incarnation));
  }

  /**
   * As `hasEnded`. Where the last link to the process was lost, and there is no other since, resolves when an attempt to reach it has shown
   * whether it has ended; to false when that is not known.
   */
  async looksForEnd(ordinal: number, incarnation: bigint): Promise<boolean> {
    const key = holderKey(ordinal, incarnation);
    if (!this.hasEnded(ordinal, incarnation) && this.#lost.has(key)) {
      const isOpen = await this.#openHolder(ordinal, incarnation, false)
        .opened()
        .then(
          () => true,
          () => false,
        );
      if (!isOpen) await this.#addresses.confirmed({ ordinal, incarnation });
    }
    return this.hasEnded(ordinal, incarnation);
  }

  /** A route to an actor at a known address; uses a link even when the address is this partition's own. */
  routeTo(address: string, cUid: bigint, service = ''): Route {
    return new RemoteRoute(this.system, { cUid, service, incarnation: 0n }, address, this);
  }

  /** A route to the actor of a reference, in the process that the reference was made for; never in another that has its ids now. */
  route(ref: Ref, name?: string): Route {
    const { cUid } = ref;
    const ordinal = ownerOrdinal(cUid);
    if (ordinal === undefined) {
      throw new UnreachableError(
        `${describeActor(ref)} belongs to no partition: its reference was not made with ref.toRef().`,
      );
    }
    if (ordinal === this.#ordinal) {
      return this.system.closedRoute(ref, 'stopped');
    }
    return new RemoteRoute(this.system, ref, ordinal, this, name);
  }

  /**
   * The channel to an address; opens one where there is none. For a tell to a peer that could not be reached a moment ago, and for any
   * message to one that has ended for good, it is the channel that has failed.
   */
  open(address: string, isTell = false): Channel {
    return this.#table.get(address) ?? this.#openChannel({ key: address, name: new PeerName(address) }, isTell);
  }

  openTo({ partition, incarnation }: RemoteRoute, isTell: boolean): Channel {
    return typeof partition === 'string'
      ? this.open(partition, isTell)
      : this.#openHolder(partition, incarnation, isTell);
  }

  channelTo({ partition, incarnation }: RemoteRoute): Channel | undefined {
    const key = typeof partition === 'string' ? partition : holderKey(partition, incarnation);
    return this.#table.get(key) ?? this.#unreachable.channel(key);
  }

  /** Closes every link to an address, whichever side has opened it. */
  disconnect(address: string): void {
    for (const channel of this.#channels) {
      if (channel.name.address === address) {
        channel.close(new StoppedError(`The link to ${channel.name.text} was closed.`));
      }
    }
  }

  /** Ends all links. Resolves to the number of tells that their peers have not taken within `linkLingerMs`, which are dead letters. */
  async close(): Promise<number> {
    this.departure.begin();
    await this.departure.opened(this.#channels);
    this.#isClosed = true;
    const channels = [...this.#channels];
    for (const channel of channels) {
      channel.close(new StoppedError('This partition has stopped.'));
    }
    this.#flushes.flush();
    await this.#transport.close();
    for (const channel of channels) channel.settle();
    return this.departure.untakenTells;
  }

  // ---- RouterServices, for channels

  get isStopping(): boolean {
    return this.#isClosed;
  }

  newToken(link: Link): bigint {
    return this.#introductions.newToken(link);
  }

  greeting(channel: Channel): v1.LinkMessageInit[] {
    return this.#introductions.greeting(channel);
  }

  flushSoon(channel: Channel): void {
    this.#flushes.plan(channel);
  }

  onHello(channel: Channel, hello: v1.Hello): void {
    const { holder } = channel;
    if (holder !== undefined && !isHolder(hello, holder)) return this.#missed(channel, holder);
    if (!this.#introductions.onHello(channel, hello)) return;
    const { ordinal, incarnation, address, partition } = hello;
    this.#lost.reached(channel);
    for (const first of this.#table.before(channel)) this.#dials.reached(first);
    if (ordinal !== undefined && ordinal !== this.#ordinal) {
      this.#addresses.introduced({ ordinal, incarnation }, address, partition);
    }
  }

  onFence(channel: Channel, tokens: readonly bigint[]): void {
    this.#introductions.onFence(channel, tokens);
  }

  protocolError(channel: Channel, error: unknown): void {
    this.protocolErrors++;
    this.#log.warn('malformed message', {
      peer: channel.name.text,
      error: messageOf(error),
    });
  }

  closed(channel: Channel, isGivenUp: boolean): void {
    if (this.#channels.delete(channel)) {
      this.#endedTraffic = addTraffic(this.#endedTraffic, channel.traffic());
    }
    this.#flushes.forget(channel);
    this.#table.closed(channel);
    this.#lost.closed(channel);
    this.#introductions.closed(channel, isGivenUp);
  }

  // ---- links

  #accept(link: Link): void {
    const channel = this.#add(new PeerName(link.peerAddress));
    channel.attach(link);
  }

  #openHolder(ordinal: number, incarnation: bigint, isTell: boolean): Channel {
    const key = holderKey(ordinal, incarnation);
    const known = this.#table.get(key);
    if (known !== undefined) return known;
    const holder = { ordinal, incarnation };
    const name = new PeerName('', holder, this.#addresses.nameOf(holder));
    return this.#openChannel({ key, name, holder }, isTell);
  }

  #openChannel(target: Target, isTell: boolean): Channel {
    const { key, name, holder } = target;
    const refusal = this.#unreachable.refusal(key, this.scheduler.now(), isTell);
    if (refusal !== undefined) return refusal;
    const channel = this.#add(name, { key, holder, isRetry: this.#unreachable.has(key) });
    if (channel.closed === undefined) {
      this.#table.opened(channel);
      // In a turn of its own: all callers share the link, so it must not inherit the deadline, chain or meta of the first.
      this.scheduler.schedule(() => {
        this.#connect(channel, target).catch((error: unknown) =>
          this.#notReached(channel, unreachable(name, error), false),
        );
      });
    }
    return channel;
  }

  async #connect(channel: Channel, { key, name, holder }: Target): Promise<void> {
    if (channel.closed !== undefined) return;
    const address = holder === undefined ? key : await this.#addresses.find(holder);
    if (address === undefined) return this.#notReached(channel, ended(name), true);
    channel.name.dialed(address);
    if (channel.closed !== undefined) return;
    const link = await this.#dials.connect(channel, address).catch((error: unknown) => {
      if (holder === undefined || !(error instanceof UnreachableError) || !error.isRefused) throw error;
      this.#missed(channel, holder, error);
      return undefined;
    });
    if (link === undefined) return;
    channel.attach(link);
    this.#unreachable.reached(key);
  }

  /** At the address of the holder nothing listens, or another process does. */
  #missed(channel: Channel, holder: Holder, cause?: unknown): void {
    const { key, name } = channel;
    const isFinal = this.#addresses.missed(holder, name.address, () =>
      this.#unreachable.failed(key, channel, this.scheduler.now(), true),
    );
    this.#notReached(channel, ended(name, cause), isFinal);
  }

  /**
   * The attempt has failed, unless its channel was closed before. The peer may have opened a link meanwhile: what was to be watched is watched over that,
   * for the peer is there, and nothing of it was missed.
   */
  #notReached(channel: Channel, error: MillraceError, isFinal: boolean): void {
    if (channel.closed !== undefined) return;
    const isReached = this.#table.after(channel) !== undefined;
    if (!isReached) this.#unreachable.failed(channel.key, channel, this.scheduler.now(), isFinal);
    const watched = isReached ? channel.watches.take() : [];
    channel.close(error);
    for (const [route, watcher] of watched) route.watch(watcher);
  }

  #add(name: PeerName, options?: ChannelOptions): Channel {
    const channel = new Channel(this, name, options);
    if (this.#isClosed) channel.close(new StoppedError('This partition has stopped.'));
    else this.#channels.add(channel);
    return channel;
  }
}
