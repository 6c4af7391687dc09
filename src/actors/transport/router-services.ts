import type { v1 } from '../../protocol/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import type { ActorSystem } from '../kernel/index.js';
import type { Channel } from './channel.js';
import type { SpareFrames } from './spare-frames.js';

/** What a channel needs of the router that holds it. */
export interface RouterServices {
  readonly system: ActorSystem;
  readonly scheduler: Scheduler;
  readonly limits: { readonly frameBytes: number; readonly maxMessageBytes: number; readonly linkBacklogBytes: number };
  /** Shared by all channels. */
  readonly spareFrames: SpareFrames;
  /** Who is at this end. */
  identity(): { readonly address: string; readonly ordinal: number | undefined; readonly incarnation: bigint };
  /** The channel has open frames: hand them over at the end of this turn. */
  flushSoon(channel: Channel): void;
  /** The peer has said who it is. */
  introduced(channel: Channel, hello: v1.Hello): void;
  protocolError(channel: Channel, error: unknown): void;
  closed(channel: Channel): void;
}
