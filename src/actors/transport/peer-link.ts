import type { v1 } from '../../protocol/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import type { Link } from '../../transport/index.js';
import type { ActorSystem } from '../kernel/index.js';
import type { BacklogBuffers } from './backlog-buffers.js';
import type { Departure } from './departure.js';
import type { MessageFields } from './message-fields.js';
import type { Outgoing } from './outgoing.js';
import type { OutgoingLanes } from './outgoing-lanes.js';
import type { Holder } from './peer-addresses.js';
import type { PeerName } from './peer-name.js';
import type { GrantedBytes } from './stream-window.js';
import type { WaitingReplies } from './waiting-replies.js';

// What the parts of a channel know of what is above them. A part imports these, and never the channel or the router:
//
//     Router --ChannelServices--> Channel --PeerLink, RouterServices--> asks, streams, watches, pressure ...

/** What the parts of a channel need of the channel to their peer. */
export interface PeerLink {
  /** What the peer and its actors are called in error messages, dead letters and logs. */
  readonly name: PeerName;
  /** Of the peer's process; 0n until its hello arrives. */
  readonly incarnation: bigint;
  /** Identifies the peer's process, whatever link it uses; undefined until its hello arrives. */
  readonly identity: string | undefined;
  /**
   * Why the link to the process of a reference is not open yet, for the error of what was not sent by its deadline. Undefined when it is
   * open, and where it leads to an address.
   */
  readonly opening: string | undefined;
  /** Frames arrive once and in order, or the link ends. False until the link is open. */
  readonly isReliable: boolean;
  /** Writes envelopes. */
  readonly outgoing: Outgoing;
  /** What was written and is not sent, or not taken by the peer. */
  readonly lanes: OutgoingLanes;
  /** What the peer has said of itself. */
  readonly peer: v1.Hello | undefined;
  /** Describes an actor of the peer, for error messages and dead letters. */
  pathOf(cUid: bigint): string;
  /** Must be called after a write to `outgoing`: plans a flush. */
  written(): void;
  /** Sends a control message to the peer's router, on the control lane. */
  sendControl(message: v1.LinkMessageInit): void;
  /** Starts the repeat timer where a control message may have to be sent again, on a link that may lose frames. */
  repeatLater(): void;
  /** The peer breaks the protocol: ends the link, and says why. */
  violated(text: string): void;
  /** Resolves when the link has room again for what a stream sends; undefined when it has room now. */
  room(stream: number): Promise<void> | undefined;
}

/** What the parts of a channel need of the partition. */
export interface RouterServices {
  readonly system: ActorSystem;
  readonly scheduler: Scheduler;
  readonly limits: Readonly<
    Record<'frameBytes' | 'maxMessageBytes' | 'linkBacklogBytes' | 'rpcStreamsBytes' | 'replyBytes', number>
  >;
  /** Shared by all channels. */
  readonly backlogBuffers: BacklogBuffers;
  /** Of all links. */
  readonly waitingReplies: WaitingReplies;
  /** Of all streams that are read here. */
  readonly grantedBytes: GrantedBytes;
  /** Carries large fields of messages. Undefined before this partition has its ordinal, and where they travel in frames. */
  readonly fields: MessageFields | undefined;
}

/** What a channel needs of the router that holds it. */
export interface ChannelServices<Channel> extends RouterServices {
  /** The first messages on the link of this channel. */
  greeting(channel: Channel): readonly v1.LinkMessageInit[];
  /** This partition stops: links deliver what was sent, and then end. */
  readonly isStopping: boolean;
  readonly departure: Departure;
  /** A token for a new link: see Fences. */
  newToken(link: Link): bigint;
  /** The channel has open frames: sends them at the end of this turn of the event loop. */
  flushSoon(channel: Channel): void;
  /** The peer has sent its identity. */
  onHello(channel: Channel, hello: v1.Hello): void;
  /** The peer has given up the links that it has named so. */
  onFence(channel: Channel, tokens: readonly bigint[]): void;
  protocolError(channel: Channel, error: unknown): void;
  /** `isGivenUp`: its link was open, and the peer may not know that it has ended. */
  closed(channel: Channel, isGivenUp: boolean): void;
}

/** Of a channel that this partition opens. */
export interface ChannelOptions {
  /** What it is opened for: the address or the holder of the peer. Empty where the peer has opened the link. */
  readonly key?: string;
  readonly holder?: Holder | undefined;
  /** The last attempt to reach this peer has failed. */
  readonly isRetry?: boolean;
}
