import type { v1 } from '../../protocol/index.js';
import type { Outgoing } from './outgoing.js';

/** What asks, streams, and deliveries need of the channel to their peer. */
export interface PeerLink {
  /** The address that the peer states, for error messages and logs. */
  readonly address: string;
  /** Of the peer's process; 0n until its hello arrives. */
  readonly incarnation: bigint;
  /** Identifies the peer's process, whatever link it uses; undefined until its hello arrives. */
  readonly identity: string | undefined;
  /** Frames arrive once and in order, or the link ends. False until the link is open. */
  readonly isReliable: boolean;
  readonly outgoing: Outgoing;
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
  /** Resolves when the link has room again; undefined when it has room now. */
  room(): Promise<void> | undefined;
}
