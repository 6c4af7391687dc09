import { BackpressureError, ProtocolError } from '../../errors.js';
import {
  type EnvelopeHeader,
  type Lane,
  type MessageType,
  WireWriter,
  writeDelimitedEnvelope,
} from '../../protocol/index.js';
import type { Link } from '../../transport/index.js';

export interface OutboxLimits {
  readonly frameBytes: number;
  /** Bytes of finished frames that may wait for the link. */
  readonly backlogBytes: number;
  readonly maxMessageBytes: number;
}

/**
 * The sending side of one lane of one link. Envelopes are written straight into the link's transmit buffer, many to a frame; while the
 * link is not open yet, or has no credit, into frames of our own, up to a bound.
 *
 *     write ->  open frame  -- flush -->  link.send            (the link has credit)
 *                           `- flush -->  backlog -- writable -->  copied into link.acquire
 */
export class Outbox {
  readonly #lane: Lane;
  readonly #limits: OutboxLimits;
  readonly #writer = new WireWriter();
  readonly #backlog: Uint8Array[] = [];
  #backlogBytes = 0;
  #link: Link | undefined;
  /** Buffer of the open frame, and whether it is the link's. */
  #frame: Uint8Array | undefined;
  #isLinkFrame = false;

  constructor(lane: Lane, limits: OutboxLimits) {
    this.#lane = lane;
    this.#limits = limits;
  }

  /** Bytes that wait, the open frame's among them. */
  get waitingBytes(): number {
    return this.#backlogBytes + (this.#frame === undefined || this.#isLinkFrame ? 0 : this.#writer.size);
  }

  get isPastMark(): boolean {
    return this.waitingBytes > this.#limits.backlogBytes / 2;
  }

  attach(link: Link): void {
    this.#finishFrame();
    this.#link = link;
    this.drain();
  }

  /**
   * Appends an envelope to the open frame. `isReserved` messages (replies, control) are always taken; for the others BackpressureError
   * when the bound is reached. ProtocolError when the value does not fit its type or is too large.
   */
  write(
    header: EnvelopeHeader,
    type: MessageType<unknown, unknown> | undefined,
    value: unknown,
    isReserved: boolean,
  ): void {
    if (!isReserved && this.waitingBytes >= this.#limits.backlogBytes) {
      throw new BackpressureError(
        `${this.waitingBytes} bytes wait for the link already (linkBacklogBytes); wait for ready() and send again.`,
      );
    }
    if (this.#frame === undefined) {
      this.#openFrame(this.#limits.frameBytes);
    }
    const needed = writeDelimitedEnvelope(this.#writer, header, type, value, this.#limits.maxMessageBytes);
    if (needed === 0) {
      return;
    }
    this.#finishFrame();
    this.#openFrame(needed);
    if (writeDelimitedEnvelope(this.#writer, header, type, value, this.#limits.maxMessageBytes) !== 0) {
      throw new ProtocolError('An envelope changed its size while it was written: does its message have a getter?');
    }
  }

  /** Ends the open frame and hands over what the link takes. */
  flush(): void {
    this.#finishFrame();
    this.drain();
  }

  /** Hands over the backlog, as far as there is credit. */
  drain(): void {
    const link = this.#link;
    if (link === undefined || !link.isOpen || this.#isLinkFrame) {
      return;
    }
    for (let bytes = this.#backlog[0]; bytes !== undefined; bytes = this.#backlog[0]) {
      const buffer = link.acquire(this.#lane, bytes.length);
      if (buffer === undefined) {
        return;
      }
      buffer.set(bytes);
      link.send(this.#lane, buffer, bytes.length);
      this.#backlog.shift();
      this.#backlogBytes -= bytes.length;
    }
  }

  #openFrame(sizeBytes: number): void {
    const link = this.#link;
    const mayGoStraight = link?.isOpen === true && this.#backlog.length === 0;
    const buffer = mayGoStraight ? link.acquire(this.#lane, sizeBytes) : undefined;
    this.#isLinkFrame = buffer !== undefined;
    this.#frame = buffer ?? new Uint8Array(Math.max(sizeBytes, this.#limits.frameBytes));
    this.#writer.reset(this.#frame);
  }

  #finishFrame(): void {
    const frame = this.#frame;
    if (frame === undefined) {
      return;
    }
    const size = this.#writer.size;
    this.#frame = undefined;
    if (this.#isLinkFrame) {
      this.#isLinkFrame = false;
      this.#link?.send(this.#lane, frame, size);
    } else if (size > 0) {
      this.#backlog.push(size < frame.length / 2 ? frame.slice(0, size) : frame.subarray(0, size));
      this.#backlogBytes += size;
    }
  }
}
