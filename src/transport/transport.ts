import type { Lane } from '../protocol/index.js';

/** Why a link ended. */
export type CloseReason =
  | { readonly kind: 'closed' }
  | { readonly kind: 'lost'; readonly message: string }
  | { readonly kind: 'protocol'; readonly message: string };

/**
 * Callbacks to the owner of a link. The link calls them in a turn of their own, never inside a call to the link. The owner sets them
 * once, synchronously, in `onLink` or when `connect` resolves. Until then the link reads nothing and its peer runs out of credit. After
 * `closed` the link calls nothing.
 */
export interface LinkHandlers {
  /** A frame arrived. `bytes` is valid only during this call: it is the link's own memory. Must not throw. */
  frame(lane: Lane, bytes: Uint8Array): void;
  /** `acquire` returned undefined on this lane, and would now succeed. */
  writable(lane: Lane): void;
  /** `Link.taken` has grown on this lane. An owner that keeps no copies of the frames that it has sent leaves this out. */
  taken?(lane: Lane): void;
  /** Either end has closed the link, or it was lost. Frames not delivered by now are lost. */
  closed(reason: CloseReason): void;
}

/** What carries a link. */
export interface Carrier {
  /** Name of the transport. */
  readonly transport: string;
  /** What the transport has chosen, such as `unix` or `tcp`; empty if the transport has only one medium. */
  readonly medium: string;
}

/** Counters of a link whose frames travel on rings. They show that the socket beside the rings carries no frames. */
export interface RingCounters {
  readonly framesSent: number;
  readonly framesReceived: number;
  /** Bytes read from and written to the socket, including the handshake. */
  readonly socketBytes: number;
}

/** Counters of a link whose transport repeats messages. All are 0 as long as no connection breaks and no queue is full. */
export interface RepeatCounters {
  /** Messages that the library below has not taken: its queue was full, or had no connection. They are sent again. */
  readonly dropped: number;
  readonly sentAgain: number;
  readonly receivedAgain: number;
}

/** An open connection to another process. Frames keep their order within a lane. */
export interface Link {
  /** Unique within its transport. A new link to the same peer has a new id (its epoch). */
  readonly id: number;
  /** The address on which the other end listens, or its name if it does not listen. */
  readonly peerAddress: string;
  readonly carrier: Carrier;
  /** True: frames arrive once and in order, or the link ends. */
  readonly isReliable: boolean;
  readonly isOpen: boolean;
  /** The peer has sent nothing for `linkDeadMs`. The link stays open: the peer may continue. */
  readonly isUnresponsive: boolean;
  /** Bytes of data handed to `send`, and received in frames, since the link opened. */
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** Undefined for a link without rings. */
  readonly rings?: RingCounters;
  /** Undefined for a link whose transport repeats nothing. */
  readonly repeats?: RepeatCounters | undefined;
  /** Throws ConfigError when called again. If the link has already ended, it calls `closed` in a later turn. */
  setHandlers(handlers: LinkHandlers): void;
  /**
   * Returns a transmit buffer of at least `sizeBytes`, and of at least `limits.frameBytes`. Returns undefined while the lane has no
   * credit (wait for `writable`), and after the link has ended. A frame larger than the window has credit when its lane is empty. A lane
   * lends one buffer at a time. Throws ProtocolError for a size above `limits.maxMessageBytes` + `limits.frameBytes`, ConfigError while
   * a buffer of the lane is lent.
   */
  acquire(lane: Lane, sizeBytes: number): Uint8Array | undefined;
  /**
   * Sends the first `length` bytes of the acquired buffer, and returns the buffer to the link. The frame leaves with the next `flush`. A
   * link that has ended drops it. Throws ConfigError for any other buffer, or for a length past its end. Returns the total of the lane
   * with this frame: the peer has taken the frame when `taken` has reached it. For a frame that was dropped it is Infinity.
   */
  send(lane: Lane, buffer: Uint8Array, length: number): number;
  /**
   * What the peer has taken of the lane, as far as this end knows: its `frame` handler has returned for every frame whose total is not
   * larger. The peer reports this at the latest `limits.takenReportMs` after it has taken a frame, and when either end closes the link. When
   * this end has closed it, the value may grow until `Transport.close` resolves; else it stays when the link has ended. On a link that
   * may lose frames, a lost frame counts as taken.
   */
  taken(lane: Lane): number;
  /**
   * Ends the link at both ends. Frames sent before, flushed or not, arrive first, within `limits.linkLingerMs`. From now on this end receives
   * no frames; both ends get `closed` with the same reason. Idempotent.
   */
  close(reason?: CloseReason): void;
}

/** Opens links to other processes. Knows frames, not actors. */
export interface Transport {
  /** Short and stable: it is in logs and health. */
  readonly name: string;
  /** Accepts links. Resolves to the address that others connect to. Rejects with ConfigError when called twice. */
  listen(onLink: (link: Link) => void): Promise<string>;
  /**
   * Opens a link. Rejects with UnreachableError when nothing listens there, the deadline passes, or the signal is aborted (its reason
   * is the `cause`); with StoppedError when this transport is closed.
   */
  connect(address: string, options: { readonly timeoutMs: number; readonly signal?: AbortSignal }): Promise<Link>;
  /** Transmits all frames sent so far, on all links: one call per turn is enough. Frames are not transmitted without it. */
  flush(): void;
  /**
   * Ends all links and the listener. Resolves after `closed` was called on every link, and the peers have taken what was sent, or
   * `limits.linkLingerMs` has passed. Idempotent.
   */
  close(): Promise<void>;
}
