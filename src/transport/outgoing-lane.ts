import { ProtocolError } from '../errors.js';
import { limits } from '../limits.js';
import { BufferLease } from './buffer-lease.js';
import { FRAME_COST_BYTES } from './incoming-lane.js';

/** The memory of the frames of a lane, and their way out. This is what differs between transports. */
export interface FrameStore {
  /** True if there is memory for another frame. Default: there always is. */
  readonly hasRoom?: boolean;
  /** Returns memory for a frame of `sizeBytes`, until `put` or `drop`. */
  lend(sizeBytes: number): Uint8Array;
  /** Takes the lent memory back, with a frame of `length` bytes to transmit. */
  put(buffer: Uint8Array, length: number): void;
  /** Takes the lent memory back, without a frame. */
  drop(buffer: Uint8Array): void;
}

/**
 * The sending end of a lane: it lends one buffer at a time, and bounds what the peer has not read yet.
 *
 *     refused --(the peer grants, until half of the window and room for the refused buffer are free)--> writable again
 */
export class OutgoingLane {
  readonly #store: FrameStore;
  readonly #lease: BufferLease;
  /** The cost of all frames sent, and of those for which the peer has granted credit again. */
  #sent = 0;
  #granted = 0;
  #framesSent = 0;
  /** Size of the last buffer that was refused. */
  #refusedBytes: number | undefined;

  /** `peerAddress` is for error messages. */
  constructor(store: FrameStore, peerAddress: () => string) {
    this.#store = store;
    this.#lease = new BufferLease(peerAddress);
  }

  /** The cost of all frames sent. */
  get sent(): number {
    return this.#sent;
  }

  get framesSent(): number {
    return this.#framesSent;
  }

  /** The cost of the frames that the peer has read. */
  get taken(): number {
    return this.#granted;
  }

  get bytesInFlight(): number {
    return this.#sent - this.#granted;
  }

  /** True while a buffer is lent. */
  get isLent(): boolean {
    return this.#lease.isOut;
  }

  /**
   * A buffer was refused, and would now be lent. Waits for half of the window: reporting every small grant would make both ends wake each
   * other for every frame.
   */
  get isWritableAgain(): boolean {
    if (this.#refusedBytes === undefined || this.bytesInFlight * 2 > limits.linkWindowBytes) return false;
    return this.#isFree(this.#refusedBytes);
  }

  /** `writable` was called. */
  writableReported(): void {
    this.#refusedBytes = undefined;
  }

  /** See Link.acquire. */
  acquire(sizeBytes: number): Uint8Array | undefined {
    this.#lease.check(sizeBytes);
    const capacity = Math.max(sizeBytes, limits.frameBytes);
    const isFree = this.#isFree(capacity);
    this.#refusedBytes = isFree ? undefined : capacity;
    return isFree ? this.#lease.begin(this.#store.lend(capacity)) : undefined;
  }

  /** See Link.send. Drops the frame unless the link `isOpen`. */
  send(buffer: Uint8Array, length: number, isOpen: boolean): number {
    this.#lease.end(buffer, length);
    if (!isOpen) {
      this.#store.drop(buffer);
      return Number.POSITIVE_INFINITY;
    }
    this.#sent += length + FRAME_COST_BYTES;
    this.#framesSent += 1;
    this.#store.put(buffer, length);
    return this.#sent;
  }

  /** The peer has read frames of this cost since the link opened. Throws ProtocolError for more than was sent. */
  granted(total: number): void {
    if (!(total <= this.#sent))
      throw new ProtocolError(`The peer granted credit for ${total} bytes; only ${this.#sent} were sent.`);
    if (total > this.#granted) this.#granted = total;
  }

  /** A frame larger than the window has credit when nothing else is in flight. */
  #isFree(sizeBytes: number): boolean {
    const inFlight = this.bytesInFlight;
    if (inFlight !== 0 && inFlight + sizeBytes + FRAME_COST_BYTES > limits.linkWindowBytes) return false;
    return this.#store.hasRoom ?? true;
  }
}
