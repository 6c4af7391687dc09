import { MillraceError, StoppedError } from '../../errors.js';
import { errorOf } from '../../foreign.js';
import type { AnyMethod, Ref } from '../../protocol/index.js';
import {
  type ActorSystem,
  type AskOptions,
  type DescribedActor,
  describeActor,
  type LaterCall,
  type OpenStream,
  type ReadyOptions,
  requestsIn,
  type Room,
  type Route,
  type SendOptions,
  type Stream,
  type StreamOptions,
  type Watcher,
} from '../kernel/index.js';
import type { Channel } from './channel.js';
import { PeerName } from './peer-name.js';
import { Recipient } from './recipient.js';
import { forCaller } from '../../protocol/errors/index.js';

/** The channels of the partition that has the route. */
export interface RouteChannels {
  /** The partition ends its links: none is opened any more. */
  readonly isStopping: boolean;
  /** The channel to the partition of an actor; opens one where there is none. See Router.open. */
  openTo(route: RemoteRoute, isTell: boolean): Channel;
  /** The channel that `openTo` would return, or that has failed and would refuse a tell; undefined where it would open one. */
  channelTo(route: RemoteRoute): Channel | undefined;
}

/** The route to an actor of another partition. The link is opened when something is first sent, asked, awaited or watched. */
export class RemoteRoute implements Route {
  readonly encodes = true;
  readonly cUid: bigint;
  readonly incarnation: bigint;
  /** Where the actor is: the address of its partition, or its ordinal. */
  readonly partition: string | number;
  readonly #actor: DescribedActor;
  readonly #system: ActorSystem;
  readonly #channels: RouteChannels;
  #channel: Channel | undefined;
  /** The actor as that channel names it. */
  #recipient: Recipient | undefined;
  #isOver = false;

  constructor(
    system: ActorSystem,
    { cUid, service, incarnation }: Ref,
    partition: string | number,
    channels: RouteChannels,
    name?: string,
  ) {
    this.#actor = { cUid, service, name };
    this.#system = system;
    this.cUid = cUid;
    this.incarnation = incarnation;
    this.partition = partition;
    this.#channels = channels;
  }

  get path(): string {
    if (this.#channel !== undefined) return this.#channel.pathOf(this.cUid);
    const known = this.#system.pathOf(this.cUid);
    if (known !== undefined) return known;
    const { partition } = this;
    const peer = typeof partition === 'string' ? new PeerName(partition) : new PeerName('', { ordinal: partition });
    return `${describeActor(this.#actor)} in ${peer.text}`;
  }

  tell(method: AnyMethod, message: unknown, options: SendOptions | undefined): boolean {
    const channel = this.#current(true);
    if (this.#hasEnded(channel)) {
      return this.#lose(method, message, 'stopped');
    }
    if (channel.closed !== undefined || channel.isRetrying) {
      return this.#lose(method, message, 'unreachable', channel.closed);
    }
    return channel.tell(this.#named(), method, message, this.#system.outgoingTell(options));
  }

  ask(method: AnyMethod, message: unknown, options: AskOptions | undefined): Promise<unknown> {
    try {
      const call = this.#system.outgoingAsk(options);
      const channel = this.#current();
      if (this.#hasEnded(channel)) {
        return this.#system.deadlines.asks.refuse(this.#stopped(method.fullName));
      }
      if (channel.closed !== undefined) {
        return this.#system.deadlines.asks.refuse(forCaller(channel.closed));
      }
      const refusal = channel.credit.claimCall(this.cUid, method);
      if (refusal !== undefined) {
        return this.#system.deadlines.asks.refuse(refusal);
      }
      // Returned as it is: a promise for a promise takes three more microtasks.
      const sent = channel.streams.offered.carried(method, message, call.caller);
      return channel.asks.ask(this.#named(), method, sent, call, options);
    } catch (error) {
      return Promise.reject(errorOf(error));
    }
  }

  stream(method: AnyMethod, message: unknown, options: StreamOptions | undefined): Stream<unknown> {
    const open: OpenStream = (sink, call, start) => {
      const channel = this.#current();
      if (this.#hasEnded(channel)) {
        throw this.#stopped(method.fullName);
      }
      if (channel.closed !== undefined) {
        throw forCaller(channel.closed);
      }
      const refusal = channel.credit.claimCall(this.cUid, method);
      if (refusal !== undefined) {
        throw refusal;
      }
      return channel.streams.open(this.cUid, method, message, call, start, sink);
    };
    return this.#system.read(method, options, this, open, requestsIn(message));
  }

  ready(options?: ReadyOptions, byMs?: number): Promise<void> {
    return this.#system.ready(options, byMs, this, (wait) => {
      const channel = this.#current();
      if (this.#hasEnded(channel)) {
        wait.reject(this.#stopped('ready'));
        return;
      }
      if (channel.isOpen || channel.closed !== undefined) {
        channel.ready(this.cUid, wait);
        return;
      }
      channel.opened().then(
        () => channel.ready(this.cUid, wait),
        (error: unknown) => wait.reject(error instanceof MillraceError ? forCaller(error) : error),
      );
    });
  }

  /** Why its link is not open yet; undefined when it is. */
  get opening(): string | undefined {
    const channel = this.#channel;
    if (channel === undefined || channel.isOpen) return undefined;
    return channel.opening ?? `its process has not answered at ${channel.name.address}`;
  }

  /** Reading it opens no link: one that is yet to be opened has room. */
  get room(): Room {
    const channel = this.#usable() ?? this.#channels.channelTo(this);
    if (channel === undefined) return this.#channels.isStopping ? 'closed' : 'free';
    if (channel.closed !== undefined || channel.isRetrying || this.#hasEnded(channel)) {
      return 'closed';
    }
    return channel.credit.hasRoom(this.cUid) ? 'free' : 'full';
  }

  get isLinked(): boolean {
    return this.#channels.channelTo(this)?.isOpen === true;
  }

  inherit(method: AnyMethod, options: StreamOptions | undefined): LaterCall {
    return this.#system.inherit(method, options);
  }

  watch(watcher: Watcher): void {
    this.#current().watch(this, watcher);
  }

  unwatch(watcher: Watcher): void {
    this.#channel?.watches.unwatch(this, watcher);
  }

  /** The actor's process has said that the actor has ended, which is final: ids are never used twice. */
  #hasEnded(channel: Channel): boolean {
    this.#isOver ||= channel.returned.hasEnded(this.cUid);
    return this.#isOver;
  }

  /** For the channel that `#current` has returned. */
  #named(): Recipient {
    this.#recipient ??= new Recipient(this.cUid);
    return this.#recipient;
  }

  #lose(method: AnyMethod, message: unknown, reason: 'stopped' | 'unreachable', cause?: Error): false {
    this.#system.addDeadLetter(this.path, method.fullName, method.request.create(message), reason, cause);
    return false;
  }

  #stopped(what: string): StoppedError {
    return new StoppedError(`${what}: ${this.path} has stopped.`);
  }

  #current(isTell = false): Channel {
    let channel = this.#usable();
    if (channel === undefined) {
      channel = this.#channels.openTo(this, isTell);
      this.#channel = channel;
      channel.name.knows(this.#actor);
      this.#recipient = undefined;
    }
    return channel;
  }

  /** A new message uses a new link where the last has ended; a message that was sent before is never repeated. */
  #usable(): Channel | undefined {
    const channel = this.#channel;
    return channel?.closed !== undefined && !this.#isOver ? undefined : channel;
  }
}
