import { type MillraceError, ProtocolError, StoppedError, UnreachableError } from '../../errors.js';
import { messageOf } from '../../foreign.js';
import { ownerOrdinal } from '../../ids/index.js';
import { limits } from '../../limits.js';
import type { Logger } from '../../logging/index.js';
import type { Ref, v1 } from '../../protocol/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import type { Link, Transport } from '../../transport/index.js';
import type { ActorSystem, Route } from '../kernel/index.js';
import { Channel } from './channel.js';
import { ChannelIndex } from './channel-index.js';
import { RemoteRoute } from './remote-route.js';
import type { RouterServices } from './router-services.js';
import { BufferPool } from './buffer-pool.js';
import { addTraffic, NO_TRAFFIC, type Traffic } from './traffic.js';

/** Resolves to the address of the partition that has this ordinal and incarnation (0n: any). Rejects with UnreachableError when there is none. */
export type Locate = (ordinal: number, incarnation: bigint) => Promise<string>;

export interface RouterOptions {
  readonly system: ActorSystem;
  readonly scheduler: Scheduler;
  readonly transport: Transport;
  readonly log: Logger;
  readonly limits?: Partial<RouterServices['limits']>;
}

/**
 * Connects the mailboxes of one partition with its links: finds the link to an actor, and flushes all links once a turn. A channel id
 * contains the ordinal of its owner; the control plane knows the address of that partition.
 */
export class Router implements RouterServices {
  readonly system: ActorSystem;
  readonly scheduler: Scheduler;
  readonly limits: RouterServices['limits'];
  readonly bufferPool = new BufferPool();
  readonly #transport: Transport;
  readonly #log: Logger;
  readonly #channels = new Set<Channel>();
  readonly #byAddress = new ChannelIndex();
  /** By the ordinal and the incarnation of the peer: see `holderKey`. */
  readonly #byHolder = new ChannelIndex();
  readonly #dirty = new Set<Channel>();
  #locate: Locate = () =>
    Promise.reject(
      new UnreachableError('This partition has not joined a control plane yet, so it cannot look up other partitions.'),
    );
  #address = '';
  #ordinal: number | undefined;
  #isFlushPlanned = false;
  /** A flush has run in this turn of the event loop. */
  #hasFlushed = false;
  readonly #turnEnded = (): void => {
    this.#hasFlushed = false;
    if (this.#isFlushPlanned) this.#flush();
  };
  #isClosed = false;
  #endedTraffic = NO_TRAFFIC;
  protocolErrors = 0;

  constructor(options: RouterOptions) {
    this.system = options.system;
    this.scheduler = options.scheduler;
    this.limits = {
      frameBytes: limits.frameBytes,
      maxMessageBytes: limits.maxMessageBytes,
      linkBacklogBytes: limits.linkBacklogBytes,
      ...options.limits,
    };
    this.#transport = options.transport;
    this.#log = options.log;
    this.system.setRemoteRoutes((ref) => this.route(ref));
  }

  get address(): string {
    return this.#address;
  }

  channels(): IterableIterator<Channel> {
    return this.#channels.values();
  }

  /** Totals of all links, including those that have ended. */
  traffic(): Traffic {
    let sum = this.#endedTraffic;
    for (const channel of this.#channels) {
      sum = addTraffic(sum, channel.traffic());
    }
    return sum;
  }

  async listen(): Promise<string> {
    this.#address = await this.#transport.listen((link) => this.#accept(link));
    return this.#address;
  }

  /** The partition has its block of ids, and can look up other partitions. */
  join(ordinal: number, locate: Locate): void {
    this.#ordinal = ordinal;
    this.#locate = locate;
    for (const channel of this.#channels) {
      channel.hello();
    }
  }

  /** A route to an actor at a known address; uses a link even when the address is this partition's own. */
  routeTo(address: string, cUid: bigint): Route {
    return new RemoteRoute(this.system, { cUid, incarnation: 0n }, () => this.open(address));
  }

  /** A route to the actor of a reference, in the process that the reference was made for; never in another that has its ids now. */
  route(ref: Ref): Route {
    const { cUid, incarnation } = ref;
    const ordinal = ownerOrdinal(cUid);
    if (ordinal === undefined) {
      throw new UnreachableError(`Channel ${cUid} belongs to no partition. It can be reached by its address only.`);
    }
    if (ordinal === this.#ordinal) {
      return this.system.closedRoute(ref, 'stopped');
    }
    return new RemoteRoute(this.system, ref, () => this.#openHolder(ordinal, incarnation));
  }

  /** The channel to an address; opens one where there is none. */
  open(address: string): Channel {
    return this.#byAddress.get(address) ?? this.#openChannel(this.#byAddress, address, address, async () => address);
  }

  /** Closes every link to an address, whichever side has opened it. */
  disconnect(address: string): void {
    for (const channel of this.#channels) {
      if (channel.address === address) {
        channel.close(new StoppedError(`The link to ${address} was closed.`));
      }
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const channel of this.#channels) {
      channel.close(new StoppedError('This partition has stopped.'));
    }
    this.#flush();
    await this.#transport.close();
  }

  // ---- RouterServices, for channels

  identity(): { readonly address: string; readonly ordinal: number | undefined; readonly incarnation: bigint } {
    return { address: this.#address, ordinal: this.#ordinal, incarnation: this.system.incarnation };
  }

  flushSoon(channel: Channel): void {
    this.#dirty.add(channel);
    if (this.#isFlushPlanned) {
      return;
    }
    this.#isFlushPlanned = true;
    if (!this.#hasFlushed) {
      this.scheduler.schedule(() => this.#flush());
    }
  }

  onHello(channel: Channel, hello: v1.Hello): void {
    assertSamePeer(channel.peer, hello);
    channel.peer = hello;
    const { address, ordinal, incarnation } = hello;
    if (address !== '') {
      channel.address = address;
      if (address !== this.#address) this.#byAddress.add(address, channel);
    }
    if (ordinal !== undefined && !(ordinal === this.#ordinal && incarnation === this.system.incarnation)) {
      for (const key of [holderKey(ordinal, incarnation), holderKey(ordinal, 0n)]) this.#byHolder.add(key, channel);
    }
  }

  protocolError(channel: Channel, error: unknown): void {
    this.protocolErrors++;
    this.#log.warn('malformed message', {
      peer: channel.address,
      error: messageOf(error),
    });
  }

  closed(channel: Channel): void {
    if (this.#channels.delete(channel)) {
      this.#endedTraffic = addTraffic(this.#endedTraffic, channel.traffic());
    }
    this.#dirty.delete(channel);
    this.#byAddress.forget(channel);
    this.#byHolder.forget(channel);
  }

  // ---- links

  #accept(link: Link): void {
    const channel = this.#add(link.peerAddress);
    channel.attach(link);
    channel.hello();
  }

  #openHolder(ordinal: number, incarnation: bigint): Channel {
    const key = holderKey(ordinal, incarnation);
    const locate = async (): Promise<string> => this.#locate(ordinal, incarnation);
    return this.#byHolder.get(key) ?? this.#openChannel(this.#byHolder, key, `partition ${ordinal}`, locate);
  }

  #openChannel(channels: ChannelIndex, key: string, name: string, locate: () => Promise<string>): Channel {
    const channel = this.#add(name);
    if (channel.closed === undefined) {
      channels.add(key, channel);
      channel.hello();
      // In a turn of its own: all callers share the link, so it must not inherit the deadline, chain or meta of the first.
      this.scheduler.schedule(() => {
        this.#connect(channel, locate).catch((error: unknown) => channel.close(unreachable(name, error)));
      });
    }
    return channel;
  }

  async #connect(channel: Channel, locate: () => Promise<string>): Promise<void> {
    if (channel.closed !== undefined) {
      return;
    }
    channel.address = await locate();
    if (channel.closed === undefined) {
      channel.attach(await this.#transport.connect(channel.address, { timeoutMs: limits.connectTimeoutMs }));
    }
  }

  #add(name: string): Channel {
    const channel = new Channel(this, name);
    if (this.#isClosed) {
      channel.close(new StoppedError('This partition has stopped.'));
    } else {
      this.#channels.add(channel);
    }
    return channel;
  }

  /**
   * Hands every open frame to its link, then flushes all links to the network together. The first writes of a turn of the event loop
   * are sent at once; later writes of that turn wait for its end. Otherwise each element of a stream, which one promise after another
   * produces, would have a frame of its own.
   */
  #flush(): void {
    this.#isFlushPlanned = false;
    if (!this.#hasFlushed) {
      this.#hasFlushed = true;
      this.scheduler.scheduleYield(this.#turnEnded);
    }
    for (const channel of this.#dirty) {
      channel.flush();
    }
    this.#dirty.clear();
    this.#transport.flush();
  }
}

/** A second hello brings the ordinal of a partition that had none; all else would let a peer fill the tables by which it is found. */
function assertSamePeer(before: v1.Hello | undefined, now: v1.Hello): void {
  if (now.address.length > limits.handshakeRecordBytes) {
    throw new ProtocolError(`The peer states an address of ${now.address.length} characters.`);
  }
  if (before === undefined) return;
  const { address, ordinal, incarnation } = before;
  if (address === now.address && incarnation === now.incarnation && (ordinal ?? now.ordinal) === now.ordinal) return;
  throw new ProtocolError(`The peer at ${address} says that it is another one, at ${now.address}.`);
}

/** `incarnation` is 0n for the current holder of the ordinal. */
function holderKey(ordinal: number, incarnation: bigint): string {
  return `${ordinal}/${incarnation}`;
}

function unreachable(name: string, cause: unknown): MillraceError {
  if (cause instanceof UnreachableError || cause instanceof StoppedError) {
    return cause;
  }
  const message = messageOf(cause);
  return new UnreachableError(`No link could be opened to ${name}: ${message}`, { cause });
}
