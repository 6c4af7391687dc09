import type { Lane } from '../protocol/index.js';

/** Why a link ended. */
export type CloseReason =
  | { readonly kind: 'closed' }
  | { readonly kind: 'lost'; readonly message: string }
  | { readonly kind: 'protocol'; readonly message: string };

/**
 * What the owner of a link is told, always in a turn of its own, never inside a call to the link. Set once, synchronously,
 * in `onLink` or as soon as `connect` resolves; no callback comes before that (a link without handlers reads nothing, and
 * its peer runs out of credit), and none after `closed`.
 */
export interface LinkHandlers {
  /** A frame arrived. `bytes` is valid only during this call: it is the link's own memory. Must not throw. */
  frame(lane: Lane, bytes: Uint8Array): void;
  /** `acquire` returned undefined on this lane before, and would succeed now. */
  writable(lane: Lane): void;
  /** The link has ended, by whichever end; frames not delivered by now never will be. */
  closed(reason: CloseReason): void;
}

/** What a link is made of. */
export interface Carrier {
  /** Name of the transport. */
  readonly transport: string;
  /** What it uses: `unix`, `tcp` or `tls` of `net`; what UCX chose, such as `posix`, of `ucx`; empty where there is no choice. */
  readonly medium: string;
}

/** What a link counts whose frames travel on rings, beside a socket that carries none of them. */
export interface RingCounters {
  readonly framesSent: number;
  readonly framesReceived: number;
  /** Read from and written to the socket, its hello included. */
  readonly companionBytes: number;
}

/** An open path to another process. Frames keep their order within a lane. */
export interface Link {
  /** Unique for its transport; a new link to the same peer has a new one (its epoch). */
  readonly id: number;
  /** Address that the other end listens on, or its name where it does not listen. */
  readonly peerAddress: string;
  readonly carrier: Carrier;
  /** Frames arrive once and in order, or the link dies. */
  readonly isReliable: boolean;
  readonly isOpen: boolean;
  /** Its peer has been silent for `linkDeadMs`, and may well go on: nothing is given up for it. */
  readonly isUnresponsive: boolean;
  /** Bytes of data handed to `send`, and received in frames, since the link opened. */
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** Undefined for a link without rings. */
  readonly rings?: RingCounters;
  /** Throws ConfigError when called again. A link that has ended meanwhile says so to the handlers. */
  setHandlers(handlers: LinkHandlers): void;
  /**
   * A transmit buffer of at least `sizeBytes` (an ordinary frame's size when that is larger) to write into, or undefined when
   * the lane has no credit: wait for `writable`. A frame larger than the window has credit when its lane is empty. At most
   * one buffer per lane is out at a time. Undefined for good once the link has ended. Throws ProtocolError for a size past
   * `limits.maxMessageBytes` + `limits.frameBytes`, ConfigError while a buffer of the lane is out.
   */
  acquire(lane: Lane, sizeBytes: number): Uint8Array | undefined;
  /**
   * Hands over the first `length` bytes of the acquired buffer, which is the link's again from here on. The frame leaves with
   * the next `flush`. Dropped when the link has ended. Throws ConfigError for any other buffer or a length past its end.
   */
  send(lane: Lane, buffer: Uint8Array, length: number): void;
  /**
   * Ends the link on both sides; what was sent before, flushed or not, arrives first. From here on this end gets nothing but
   * `closed`, with the same reason as the other. Idempotent.
   */
  close(reason?: CloseReason): void;
}

/** A way to reach other processes. Knows frames, not actors. */
export interface Transport {
  /** Short and stable: `memory`, `net`, `ucx`. */
  readonly name: string;
  /** Accepts links; resolves to the address others connect to. Rejects with ConfigError when it listens already. */
  listen(onLink: (link: Link) => void): Promise<string>;
  /**
   * Opens a link. UnreachableError when nothing listens there, the deadline passes or the signal is aborted (whose reason is
   * the `cause`); StoppedError when this transport is closed.
   */
  connect(address: string, options: { readonly timeoutMs: number; readonly signal?: AbortSignal }): Promise<Link>;
  /** Pushes all frames sent so far out to their links: one call a turn, however many links. Without it they stay here. */
  flush(): void;
  /** Ends all links and the listener; resolves when the owners of the links were told. Idempotent. */
  close(): Promise<void>;
}
