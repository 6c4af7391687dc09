import type { AnyMethod } from '../../protocol/index.js';

/** The channel that sends. */
export interface OutgoingChannel {
  /** Closes the link, whose peer does not take its replies. */
  giveUp(): void;
  /** An envelope that has waited was written, or cannot be. */
  written(): void;
  /** A tell has waited, and cannot be sent. */
  lost(cUid: bigint, method: AnyMethod): void;
}
