import type { Lane } from '../protocol/index.js';

/** Why a link ended. */
export type CloseReason =
  | { readonly kind: 'closed' }
  | { readonly kind: 'lost'; readonly message: string }
  | { readonly kind: 'protocol'; readonly message: string };

/**
 * What the owner of a link is told. Set once, synchronously, in `onLink` or as soon as `connect` resolves; no callback
 * comes before that, and none after `closed`.
 */
export interface LinkHandlers {
  /** A frame arrived. `bytes` is valid only during this call: it is the link's own memory. Must not throw. */
  frame(lane: Lane, bytes: Uint8Array): void;
  /** `acquire` returned undefined on this lane before, and would succeed now. */
  writable(lane: Lane): void;
  /** The link has ended; frames not delivered by now never will be. */
  closed(reason: CloseReason): void;
}

/** An open path to another process. Frames keep their order within a lane. */
export interface Link {
  /** Unique for its transport; a new link to the same peer has a new one (its epoch). */
  readonly id: number;
  /** Address that the other end listens on, or its name where it does not listen. */
  readonly peerAddress: string;
  /** Frames arrive once and in order, or the link dies. */
  readonly isReliable: boolean;
  readonly isOpen: boolean;
  /** Bytes of data handed to `send`, and received in frames, since the link opened. */
  readonly bytesSent: number;
  readonly bytesReceived: number;
  setHandlers(handlers: LinkHandlers): void;
  /**
   * A transmit buffer of at least `sizeBytes` (an ordinary frame's size when that is larger) to write into, or undefined when
   * the lane has no credit: wait for `writable`. At most one buffer per lane is out at a time.
   */
  acquire(lane: Lane, sizeBytes: number): Uint8Array | undefined;
  /** Hands over the first `length` bytes of the acquired buffer, which is the link's again from here on. */
  send(lane: Lane, buffer: Uint8Array, length: number): void;
  /** Ends the link on both sides; what was sent before arrives first. Idempotent. */
  close(reason?: CloseReason): void;
}

/** A way to reach other processes. Knows frames, not actors. */
export interface Transport {
  /** Short and stable: `memory`, `net`, `ucx`. */
  readonly name: string;
  /** Accepts links; resolves to the address others connect to. */
  listen(onLink: (link: Link) => void): Promise<string>;
  /** Opens a link. UnreachableError when nothing listens there or the deadline passes. */
  connect(address: string, options: { readonly timeoutMs: number; readonly signal?: AbortSignal }): Promise<Link>;
  /** Pushes all frames sent so far out to their links: one call a turn, however many links. */
  flush(): void;
  /** Ends all links and the listener. Idempotent. */
  close(): Promise<void>;
}
