import { BackpressureError, ProtocolError } from '../../errors.js';
import {
  type EnvelopeHeader,
  EnvelopeMode,
  type EnvelopePrefix,
  type Lane,
  type MessageType,
  WireWriter,
  writeDelimitedEnvelope,
} from '../../protocol/index.js';
import { RingQueue } from '../../ring-queue.js';
import type { Link } from '../../transport/index.js';
import type { BacklogBuffers } from './backlog-buffers.js';
import { type Expirable, QueuedFrame } from './queued-frame.js';
import { SentTells } from './sent-tells.js';

const NOTHING = new Uint8Array(0);
/** What the time of sending, and longer lengths because of it, add to an envelope at most. */
const STAMP_BYTES = 16;
/** In place of an offset: the large fields of the message have to be stored first. */
const DETACHED = -1;

export interface OutboxLimits {
  readonly frameBytes: number;
  /** Bytes of finished frames that may wait for the link. */
  readonly backlogBytes: number;
  readonly maxMessageBytes: number;
}

/**
 * The sending side of one lane of one link. Envelopes are written into the link's transmit buffer, many to a frame. While the link is
 * not open, or has no credit, they are written into queued frames, up to a bound. An ask that expires or settles in the queue is not
 * sent; for any other, the time in the queue is subtracted from its remaining time. Tells that were sent are kept until the peer has
 * taken them, and so are reports of tells that the peer has sent.
 *
 *     write ->  open frame, the link's  -- flush -->  link.send
 *          `->  open frame, queued  -- when full -->  backlog  -- credit -->  copied into link.acquire
 *                                  `----------------------------- credit --------'
 */
export class Outbox {
  readonly #lane: Lane;
  readonly #limits: OutboxLimits;
  readonly #now: () => number;
  readonly #writer = new WireWriter();
  readonly #backlog = new RingQueue<QueuedFrame>();
  readonly #pool: BacklogBuffers;
  /** Frames that were sent. */
  frames = 0;
  /** Bytes of all envelopes that were written, sent or not. */
  writtenBytes = 0;
  #backlogBytes = 0;
  #link: Link | undefined;
  /** The open frame: the link's buffer, or a frame that will be queued. */
  #linkFrame: Uint8Array | undefined;
  #ownFrame: QueuedFrame | undefined;
  /** The tells and reports in the open frame that is the link's are between these offsets. */
  #tellsStart = 0;
  #tellsEnd = 0;
  readonly #sentTells: SentTells;
  /** The time that the first call in the open frame states. */
  #callsFromMs: number | undefined;
  /** Tells that were written, sent or not. */
  tells = 0;
  /** The peer has said that it has taken so many of them: the link may not know it yet. */
  #tellsTaken = 0;

  /** `now` is the scheduler's time. */
  constructor(lane: Lane, limits: OutboxLimits, pool: BacklogBuffers, now: () => number) {
    this.#pool = pool;
    this.#lane = lane;
    this.#limits = limits;
    this.#now = now;
    this.#sentTells = new SentTells(pool, limits.frameBytes);
  }

  /** Bytes that wait for the link, including the open frame where it is not the link's. */
  get waitingBytes(): number {
    return this.#backlogBytes + (this.#ownFrame === undefined ? 0 : this.#writer.size);
  }

  get isPastMark(): boolean {
    return this.waitingBytes > this.#limits.backlogBytes / 2;
  }

  /** Writes an envelope that is sent before all that waits. For the time before `attach`. */
  writeFirst(header: EnvelopeHeader, type: MessageType<unknown, unknown>, value: unknown): void {
    const buffer = this.#pool.acquire(this.#limits.frameBytes);
    const writer = new WireWriter(buffer);
    writeDelimitedEnvelope(writer, header, type, value, this.#limits.maxMessageBytes);
    const frame = new QueuedFrame(buffer.slice(0, writer.size));
    this.#pool.release(buffer);
    frame.size = writer.size;
    this.#backlog.unshift(frame);
    this.#backlogBytes += frame.size;
  }

  attach(link: Link): void {
    this.#link = link;
    this.drain();
  }

  /**
   * Appends an envelope to the open frame. `isReserved` messages (replies, control) are always accepted; others throw
   * BackpressureError at the bound. Throws ProtocolError when the value does not fit its type or is too large. `ask` is the pending
   * call that the envelope starts. `isReport`: it reports tells of the peer, and is kept until the peer has taken it, as tells are.
   *
   * False when it has large fields, which `envelope.detaching` has then, and nothing was written: they have to be stored first.
   */
  write(
    envelope: EnvelopeHeader | EnvelopePrefix,
    type: MessageType<unknown, unknown> | undefined,
    value: unknown,
    isReserved: boolean,
    ask?: Expirable,
    isReport = false,
  ): boolean {
    this.#makeRoom(isReserved);
    if (ask !== undefined) return this.#writeCall(envelope, type, value, ask);
    const start = this.#append(envelope, type, value);
    if (start === DETACHED) return false;
    if (envelope.mode === EnvelopeMode.tell) this.#wroteTell(start);
    else if (isReport) this.#keep(start);
    return true;
  }

  #makeRoom(isReserved: boolean): void {
    if (!isReserved && this.waitingBytes >= this.#limits.backlogBytes) {
      throw new BackpressureError(
        `${this.waitingBytes} bytes already wait for the link (linkBacklogBytes); wait for ready() and send again.`,
      );
    }
    if (this.#linkFrame === undefined && this.#ownFrame === undefined) this.#openFrame(this.#limits.frameBytes);
  }

  #writeCall(
    envelope: EnvelopeHeader | EnvelopePrefix,
    type: MessageType<unknown, unknown> | undefined,
    value: unknown,
    ask: Expirable,
  ): boolean {
    const nowMs = envelope.sentMs;
    this.#stamp(envelope, ask, nowMs);
    const start = this.#append(envelope, type, value, ask, nowMs);
    if (start === DETACHED) {
      envelope.sentMs = nowMs;
      return false;
    }
    this.#ownFrame?.addAsk(ask, start, this.#writer.position);
    this.#callsFromMs ??= nowMs;
    return true;
  }

  /** Returns where the envelope starts in its frame, or DETACHED where nothing was written. A call that is written into another frame is stamped again. */
  #append(
    envelope: EnvelopeHeader | EnvelopePrefix,
    type: MessageType<unknown, unknown> | undefined,
    value: unknown,
    ask?: Expirable,
    nowMs = -1,
  ): number {
    let start = this.#writer.position;
    const needed = writeDelimitedEnvelope(this.#writer, envelope, type, value, this.#limits.maxMessageBytes);
    if (needed !== 0) {
      this.#finishFrame();
      this.#openFrame(needed + STAMP_BYTES);
      if (ask !== undefined) this.#stamp(envelope, ask, nowMs);
      start = this.#writer.position;
      if (writeDelimitedEnvelope(this.#writer, envelope, type, value, this.#limits.maxMessageBytes) !== 0) {
        throw new ProtocolError('An envelope changed its size while it was written. Its message may have a getter.');
      }
    }
    if (mustDetach(envelope)) {
      this.#writer.rewind(start);
      return DETACHED;
    }
    this.writtenBytes += this.#writer.position - start;
    return start;
  }

  #wroteTell(start: number): void {
    this.tells++;
    this.#keep(start);
  }

  /** Sends what the link accepts. The rest waits, and an open frame that is not the link's continues to fill. */
  flush(): void {
    if (this.#linkFrame !== undefined && this.#writer.size > 0 && this.#link?.isOpen === true) {
      this.#finishFrame();
    }
    this.drain();
  }

  /** Sends queued frames while the link has credit. */
  drain(): void {
    const link = this.#link;
    if (link === undefined || !link.isOpen || this.#linkFrame !== undefined) {
      return;
    }
    for (let frame = this.#backlog.peek(); frame !== undefined; frame = this.#backlog.peek()) {
      if (!this.#send(link, frame)) {
        return;
      }
      this.#backlog.shift();
      this.#backlogBytes -= frame.size;
    }
    const open = this.#ownFrame;
    if (open !== undefined) {
      open.size = this.#writer.size;
      if (this.#send(link, open)) {
        this.#ownFrame = undefined;
      }
    }
  }

  /** The peer has taken more of what was sent. */
  taken(): void {
    if (this.#link !== undefined) this.#sentTells.release(this.#link.taken(this.#lane));
  }

  /** The peer says that this many tells of the lane have arrived. */
  takenTells(tells: number): void {
    this.#tellsTaken = Math.max(this.#tellsTaken, tells);
  }

  /** How many of the last `count` tells that were written the peer has taken, by what it says. */
  takenOfLast(count: number): number {
    return Math.max(0, this.#tellsTaken - (this.tells - count));
  }

  /**
   * The link has ended: removes what the peer has not taken, as far as the link knows, and what was never sent, and returns it as
   * frames in their order. Those that were sent contain no other envelopes than tells and reports where that costs nothing.
   */
  undelivered(): Uint8Array[] {
    this.#finishFrame();
    const sent = this.#sentTells.untaken(this.#link?.taken(this.#lane) ?? 0);
    const unsent = this.#backlog.drain().map(({ bytes, size }) => bytes.subarray(0, size));
    this.#backlogBytes = 0;
    return [...sent, ...unsent];
  }

  /**
   * The first call in a frame says when it was sent, and the others count from that time, too. In a frame that waits each says it,
   * because those before it may be left out.
   */
  #stamp(envelope: EnvelopeHeader | EnvelopePrefix, ask: Expirable, nowMs: number): void {
    const fromMs = this.#ownFrame === undefined ? this.#callsFromMs : undefined;
    envelope.sentMs = fromMs === undefined ? nowMs : -1;
    envelope.remainingMicroseconds = (ask.deadlineMs - (fromMs ?? nowMs)) * 1_000;
  }

  #keep(start: number): void {
    if (this.#ownFrame !== undefined) {
      this.#ownFrame.hasTells = true;
      return;
    }
    if (this.#tellsEnd === 0) this.#tellsStart = start;
    this.#tellsEnd = this.#writer.position;
  }

  /** False when the link has no credit. */
  #send(link: Link, frame: QueuedFrame): boolean {
    const nowMs = this.#now();
    const live = frame.liveBytes(nowMs);
    if (live === 0) {
      frame.sent(nowMs);
      return true;
    }
    const buffer = link.acquire(this.#lane, live);
    if (buffer === undefined) {
      return false;
    }
    const total = link.send(this.#lane, buffer, frame.copyTo(buffer, nowMs));
    frame.sent(nowMs);
    this.frames++;
    if (frame.hasTells) this.#sentTells.adopt(frame.bytes, frame.size, total);
    else this.#pool.release(frame.bytes);
    return true;
  }

  #openFrame(sizeBytes: number): void {
    const link = this.#link;
    const mayGoStraight = link?.isOpen === true && this.#backlog.size === 0;
    const buffer = mayGoStraight ? link.acquire(this.#lane, sizeBytes) : undefined;
    this.#linkFrame = buffer;
    this.#callsFromMs = undefined;
    this.#ownFrame =
      buffer === undefined
        ? new QueuedFrame(this.#pool.acquire(Math.max(sizeBytes, this.#limits.frameBytes)))
        : undefined;
    this.#writer.reset(buffer ?? this.#ownFrame?.bytes ?? NOTHING);
  }

  #finishFrame(): void {
    const size = this.#writer.size;
    const filled = this.#linkFrame;
    const frame = this.#ownFrame ?? new QueuedFrame(filled ?? NOTHING);
    this.#linkFrame = undefined;
    this.#ownFrame = undefined;
    if (filled !== undefined && this.#link?.isOpen === true) {
      this.#sendFilled(this.#link, filled, size);
    } else if (frame.bytes.length > 0 && size > 0) {
      frame.finish(size);
      this.#backlog.push(frame);
      this.#backlogBytes += size;
    }
  }

  /** Sends the open frame, which is the link's, and keeps its tells. */
  #sendFilled(link: Link, frame: Uint8Array, size: number): void {
    this.frames++;
    if (this.#tellsEnd === 0) {
      link.send(this.#lane, frame, size);
      return;
    }
    // Before `send`: the buffer is the link's again after it.
    this.#sentTells.keep(frame.subarray(this.#tellsStart, this.#tellsEnd));
    this.#tellsEnd = 0;
    this.#sentTells.sent(link.send(this.#lane, frame, size));
  }
}

/** Its value has large fields, which were left out and are not stored. */
function mustDetach(envelope: EnvelopeHeader | EnvelopePrefix): boolean {
  const { detaching } = envelope;
  return detaching !== undefined && detaching.list.length > 0 && envelope.detached === undefined;
}
