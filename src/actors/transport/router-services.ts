import type { v1 } from '../../protocol/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import type { ActorSystem } from '../kernel/index.js';
import type { Link } from '../../transport/index.js';
import type { Channel } from './channel.js';
import type { Departure } from './departure.js';
import type { BufferPool } from './buffer-pool.js';
import type { MessageFields } from './message-fields.js';
import type { WaitingReplies } from './waiting-replies.js';
import type { GrantedBytes } from './stream-window.js';

/** What a channel needs of the router that holds it. */
export interface RouterServices {
  readonly system: ActorSystem;
  readonly scheduler: Scheduler;
  readonly limits: Readonly<
    Record<'frameBytes' | 'maxMessageBytes' | 'linkBacklogBytes' | 'rpcStreamsBytes' | 'replyBytes', number>
  >;
  /** Shared by all channels. */
  readonly bufferPool: BufferPool;
  /** Of all links. */
  readonly waitingReplies: WaitingReplies;
  /** Of all streams that are read here. */
  readonly grantedBytes: GrantedBytes;
  /** Carries large fields of messages. Undefined before this partition has its ordinal, and where they travel in frames. */
  readonly fields: MessageFields | undefined;
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
