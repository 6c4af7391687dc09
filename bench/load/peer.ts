import type { Address, Server } from '../transport/peer.js';
import type { Done } from './work.js';

/** A library whose receiver is given more than it can do. */
export interface LoadPeer {
  /** At the far end. A peer within one process has none. */
  serve?(): Promise<Server>;
  /** At the near end. `address` is that of the far end. */
  connect(address: Address | undefined): Promise<LoadClient>;
}

/** How a sender sends: it waits for room when it is told to, or sends until it is refused. */
export type Manner = 'polite' | 'rude';

/** The near end, with all senders. */
export interface LoadClient {
  /** Resolves to true when the reply has arrived within `timeoutMs`, to false when it has not, or the ask was refused. */
  ask?(timeoutMs: number): Promise<boolean>;
  /** Sends one job by one of the senders. Resolves to false when it was refused, and was not sent. */
  tell?(sender: number, manner: Manner): boolean | Promise<boolean>;
  /** Accepted tells of which the senders were told that nobody will handle them, since the last call. */
  reported(): number;
  balance(): Promise<Done>;
  close(): Promise<unknown> | void;
}
