import type { v1 } from '../../protocol/index.js';
import type { Outgoing } from './outgoing.js';

/** A channel as what speaks over it sees it. */
export interface Line {
  /** What the peer calls itself, for messages. */
  readonly address: string;
  /** Of the peer's process; 0n until it has said so. */
  readonly incarnation: bigint;
  /** Frames arrive once and in order, or the link ends. False until the link is open. */
  readonly isReliable: boolean;
  readonly outgoing: Outgoing;
  /** What is known of an actor at the other end. */
  pathOf(cUid: bigint): string;
  /** Something was put into `outgoing`. */
  written(): void;
  /** A word between routers, on the control lane. */
  say(message: v1.LinkMessageInit): void;
  /** There may be something to say again, on a link that may lose frames. */
  repeatLater(): void;
  /** A wait for room on the way to the peer; undefined when there is room. */
  room(): Promise<void> | undefined;
}
