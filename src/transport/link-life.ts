import { ConfigError } from '../errors.js';
import type { Lane } from '../protocol/index.js';
import type { OutgoingLane } from './outgoing-lane.js';
import type { CloseReason, LinkHandlers } from './transport.js';

export interface LinkLifeOptions {
  readonly peerAddress: () => string;
  /** Runs a turn of its own. */
  readonly schedule: (turn: () => void) => void;
}

/**
 * The life of one end of a link, the same for every transport: it is open until it ends, once, and its handlers are called in turns of
 * their own. After `silence` none is called any more.
 *
 *     open --end(reason)--> ended --(a turn)--> handlers.closed(reason)
 */
export class LinkLife {
  readonly #options: LinkLifeOptions;
  #handlers: LinkHandlers | undefined;
  #endReason: CloseReason | undefined;
  #isSilent = false;
  #bytesSent = 0;
  #bytesReceived = 0;

  constructor(options: LinkLifeOptions) {
    this.#options = options;
  }

  get isOpen(): boolean {
    return this.#endReason === undefined;
  }

  get bytesSent(): number {
    return this.#bytesSent;
  }

  get bytesReceived(): number {
    return this.#bytesReceived;
  }

  get endReason(): CloseReason | undefined {
    return this.#endReason;
  }

  /** No handler is called any more: the process has crashed, or pretends to. */
  get isSilent(): boolean {
    return this.#isSilent;
  }

  get hasHandlers(): boolean {
    return this.#handlers !== undefined;
  }

  /** Returns true if frames are to be delivered from now on; a link that has ended calls `closed`. Throws ConfigError when called again. */
  setHandlers(handlers: LinkHandlers): boolean {
    if (this.#handlers !== undefined)
      throw new ConfigError(`Link to ${this.#options.peerAddress()} already has its handlers.`);
    this.#handlers = handlers;
    if (this.#endReason === undefined) return true;
    this.#announceEnd(this.#endReason);
    return false;
  }

  /** A frame was handed to the link. */
  sent(length: number): void {
    this.#bytesSent += length;
  }

  /** Calls the handler for a frame, which must exist. What it throws goes to the scheduler: it must not stop the frames that follow. */
  deliver(lane: Lane, bytes: Uint8Array): void {
    this.#bytesReceived += bytes.length;
    try {
      this.#handlers?.frame(lane, bytes);
    } catch (error) {
      this.#options.schedule(() => {
        throw error;
      });
    }
  }

  /** The peer has granted credit on a lane. */
  granted(lane: Lane, outgoing: OutgoingLane): void {
    if (this.isOpen) this.#handlers?.taken?.(lane);
    this.reportWritable(lane, outgoing);
  }

  /** Calls `writable` in a later turn if the lane, whose buffer was refused, has room again by then. */
  reportWritable(lane: Lane, outgoing: OutgoingLane): void {
    if (!outgoing.isWritableAgain || this.#handlers === undefined) return;
    this.#options.schedule(() => {
      if (!this.isOpen || !outgoing.isWritableAgain) return;
      outgoing.writableReported();
      this.#handlers?.writable(lane);
    });
  }

  /** Ends the link, if it is open. */
  end(reason: CloseReason): void {
    if (!this.isOpen) return;
    this.#endReason = reason;
    if (this.#handlers !== undefined) this.#announceEnd(reason);
  }

  /** No handler is called any more. */
  silence(): void {
    this.#isSilent = true;
  }

  #announceEnd(reason: CloseReason): void {
    this.#options.schedule(() => {
      if (!this.#isSilent) this.#handlers?.closed(reason);
    });
  }
}
