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
 *     write ->  open frame, the link's  -- flush -->  link.send
 *          `->  open frame, our own  -- when full -->  backlog  -- credit -->  copied into link.acquire
 *                                   `---------------------------- credit --------'
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

  /** Bytes that wait, those of an open frame of our own among them. */
  get waitingBytes(): number {
    return this.#backlogBytes + (this.#frame === undefined || this.#isLinkFrame ? 0 : this.#writer.size);
  }

  get isPastMark(): boolean {
    return this.waitingBytes > this.#limits.backlogBytes / 2;
  }

  attach(link: Link): void {
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

  /** Hands over what the link takes; the rest waits, and an open frame of our own goes on filling. */
  flush(): void {
    if (this.#isLinkFrame) {
      this.#finishFrame();
    }
    this.drain();
  }

  /** Hands over what waits, as far as there is credit. */
  drain(): void {
    const link = this.#link;
    if (link === undefined || !link.isOpen || this.#isLinkFrame) {
      return;
    }
    for (let bytes = this.#oldest(); bytes !== undefined; bytes = this.#oldest()) {
      const buffer = link.acquire(this.#lane, bytes.length);
      if (buffer === undefined) {
        return;
      }
      buffer.set(bytes);
      link.send(this.#lane, buffer, bytes.length);
      this.#forgetOldest();
    }
    this.#frame = undefined;
  }

  #oldest(): Uint8Array | undefined {
    const waiting = this.#backlog[0];
    if (waiting !== undefined || this.#frame === undefined || this.#writer.size === 0) {
      return waiting;
    }
    return this.#frame.subarray(0, this.#writer.size);
  }

  #forgetOldest(): void {
    const sent = this.#backlog.shift();
    if (sent === undefined) {
      this.#frame = undefined;
    } else {
      this.#backlogBytes -= sent.length;
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
