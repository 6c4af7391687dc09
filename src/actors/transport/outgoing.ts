import { BackpressureError, type MillraceError, ProtocolError } from '../../errors.js';
import { limits } from '../../limits.js';
import { type AnyMethod, EnvelopeHeader, EnvelopeMode, Lane, v1 } from '../../protocol/index.js';
import type { Link } from '../../transport/index.js';
import { type OutgoingCall, type StreamCall, type TellDelivery } from '../kernel/index.js';
import {
  expirable,
  type FailingCall,
  type OpenedStream,
  type PendingCall,
  setCall,
  setRequests,
  setTrace,
} from './call-header.js';
import { Uint64Parts } from './uint64-parts.js';
import { OutgoingMethods } from './method-numbers.js';
import { Outbox } from './outbox.js';
import type { RouterServices } from './router-services.js';
import { type UntakenEnvelopes, untakenIn } from './untaken-envelopes.js';
import { DetachedSends } from './detached-sends.js';
import type { OutgoingChannel } from './outgoing-channel.js';
import { LinkBacklog, type WaitingReplies } from './waiting-replies.js';
import { toWire } from './wire-errors.js';

/** The sending half of a channel: builds envelopes, and writes them to the outbox of their lane. */
export class Outgoing {
  readonly methods = new OutgoingMethods();
  /** Envelopes that were started, sent or not. */
  envelopes = 0;
  readonly #control: Outbox;
  readonly #data: Outbox;
  readonly #detached: DetachedSends;
  readonly #lost: OutgoingChannel['lost'];
  readonly #header = new EnvelopeHeader();
  readonly #parts = new Uint64Parts();
  readonly #maxMessageBytes: number;
  readonly #waitingReplies: WaitingReplies;
  readonly #waitingHere: LinkBacklog;
  /** The link is closed in its next turn, and counts no more. */
  #isGivenUp = false;

  constructor(
    services: Pick<RouterServices, 'limits' | 'bufferPool' | 'scheduler' | 'waitingReplies' | 'fields'>,
    channel: OutgoingChannel,
  ) {
    const { limits: bounds, bufferPool, scheduler, waitingReplies } = services;
    this.#waitingReplies = waitingReplies;
    this.#waitingHere = new LinkBacklog(() => {
      this.#isGivenUp = true;
      scheduler.schedule(() => channel.giveUp());
    });
    const { frameBytes, maxMessageBytes, linkBacklogBytes } = bounds;
    const now = (): number => scheduler.now();
    this.#maxMessageBytes = maxMessageBytes;
    const sizes = { frameBytes, maxMessageBytes };
    this.#control = new Outbox(Lane.control, { ...sizes, backlogBytes: limits.controlBacklogBytes }, bufferPool, now);
    this.#detached = new DetachedSends(
      () => services.fields,
      (lane) => this.#outbox(lane),
      () => channel.written(),
      now,
    );
    this.#lost = (cUid, method) => channel.lost(cUid, method);
    this.#data = new Outbox(Lane.data, { ...sizes, backlogBytes: linkBacklogBytes }, bufferPool, now);
  }

  get frames(): number {
    return this.#control.frames + this.#data.frames;
  }

  /** Bytes that wait until the link opens or has credit. */
  get waitingBytes(): number {
    return this.#control.waitingBytes + this.#data.waitingBytes + this.#detached.waitingBytes;
  }

  /** Bytes of all envelopes, sent or not. */
  get writtenBytes(): number {
    return this.#control.writtenBytes + this.#data.writtenBytes;
  }

  /** Senders should wait. */
  get isPastMark(): boolean {
    return this.#control.isPastMark || this.#data.isPastMark || this.#detached.waitingBytes > 0;
  }

  /** More bytes wait than a peer that reads would ever leave. */
  get isStuck(): boolean {
    return (
      this.#control.waitingBytes > limits.controlBacklogBytes ||
      this.#data.waitingBytes > limits.linkReplyBytes + limits.controlBacklogBytes
    );
  }

  /** Opens the lanes. `first` goes before all that waits, on each of them: no lane may overtake it on the other. */
  attach(link: Link, first: readonly v1.LinkMessageInit[]): void {
    for (const message of first.toReversed()) {
      const value = v1.LinkMessage.create(message);
      for (const outbox of [this.#control, this.#data]) {
        outbox.writeFirst(this.#begin(EnvelopeMode.link), v1.LinkMessage, value);
      }
    }
    this.#control.attach(link);
    this.#data.attach(link);
    if (!link.isReliable) this.#detached.lossy();
    this.#count();
  }

  /** The peer has said who it is. */
  introduced(hello: v1.Hello): void {
    this.#detached.introduced(hello);
  }

  flush(): void {
    this.#control.flush();
    this.#data.flush();
    this.#count();
  }

  drain(lane: Lane): void {
    this.#outbox(lane).drain();
    this.#count();
  }

  /** Only replies and failures add to the count: all else has bounds of its own. */
  #count(): void {
    const { waitingBytes } = this;
    if (waitingBytes !== this.#waitingHere.bytes && !this.#isGivenUp) {
      this.#waitingReplies.update(this.#waitingHere, waitingBytes);
    }
  }

  /** False past the high-water mark. Throws BackpressureError at the bound, ProtocolError for a message that cannot be sent. */
  tell(cUid: bigint, method: AnyMethod, message: unknown, delivery: TellDelivery | undefined): boolean {
    const header = this.#begin(EnvelopeMode.tell);
    this.#setMethod(header, method);
    this.#setReceiver(header, cUid);
    this.#setSender(header, delivery?.sender?.cUid);
    header.meta = delivery?.meta;
    setTrace(header, delivery?.trace);
    const { lane, request: type } = method;
    const isReserved = lane === Lane.control;
    const outbox = this.#outbox(lane);
    if (this.#detached.isWritten(lane, header, type, message, isReserved, cUid)) return !outbox.isPastMark;
    const failed = (): void => this.#lost(cUid, method);
    this.#detached.send({ header, type, message, lane, isReserved, key: cUid, tell: { cUid, method }, failed });
    return !this.isPastMark;
  }

  ask(cUid: bigint, method: AnyMethod, message: unknown, call: OutgoingCall, ask: FailingCall, nowMs: number): void {
    const header = this.#beginCall(EnvelopeMode.ask, cUid, method, call, ask, nowMs);
    const type = setRequests(header, method, message);
    const { lane } = method;
    const isReserved = lane === Lane.control;
    if (this.#detached.isWritten(lane, header, type, message, isReserved, cUid, ask)) return;
    const [renewed, failed] = [() => !ask.isSettled, (error: MillraceError) => ask.fail(error)];
    this.#detached.send({ header, type, message, lane, isReserved, call: ask, key: cUid, renewed, failed });
  }

  /** A reply is accepted past the bound of other messages, up to the link's allowance; beyond that, a failure is sent in its place. */
  reply(method: AnyMethod, response: unknown, correlation: number, passThrough: Uint8Array | undefined): void {
    const { allowance } = this.#waitingReplies;
    if (this.waitingBytes > allowance) {
      const text = `The reply was dropped: ${this.waitingBytes} bytes wait for the caller's link, and ${allowance} may (linkReplyBytes, and its part of replyBytes). The caller must read faster.`;
      this.failure(method.lane, new BackpressureError(text), correlation, passThrough);
      return;
    }
    const header = this.#begin(EnvelopeMode.reply);
    header.correlation = correlation;
    header.passThrough = passThrough;
    const { lane, response: type } = method;
    if (!this.#detached.isWritten(lane, header, type, response, true, header)) {
      const failed = (error: MillraceError): void => this.failure(lane, error, correlation, passThrough);
      // A key of its own: no other envelope has to keep its order with a reply.
      this.#detached.send({ header, type, message: response, lane, isReserved: true, key: Symbol(), failed });
    }
    this.#count();
  }

  failure(lane: Lane, error: MillraceError, correlation: number, passThrough: Uint8Array | undefined): void {
    const header = this.#begin(EnvelopeMode.failure);
    header.correlation = correlation;
    header.passThrough = passThrough;
    header.error = toWire(error);
    try {
      this.#outbox(lane).write(header, undefined, undefined, true);
    } catch (cause) {
      if (!(cause instanceof ProtocolError) || passThrough === undefined) {
        throw cause;
      }
      // Both together are too large. The failure matters more than the echoed bytes.
      this.failure(lane, error, correlation, undefined);
    }
    this.#count();
  }

  /** Opens a stream, with its reader's first credit. Else as `ask`. */
  open(
    cUid: bigint,
    method: AnyMethod,
    message: unknown,
    call: StreamCall,
    stream: FailingCall & OpenedStream,
    nowMs: number,
  ): void {
    const header = this.#beginCall(EnvelopeMode.open, cUid, method, call, stream, nowMs);
    const type = setRequests(header, method, message);
    const renewed = (own: EnvelopeHeader): boolean => {
      own.credit = stream.credit;
      own.creditBytes = stream.creditBytes;
      return !stream.isSettled;
    };
    renewed(header);
    const { lane } = method;
    const [expiring, isReserved] = [expirable(stream), lane === Lane.control];
    if (this.#detached.isWritten(lane, header, type, message, isReserved, cUid, expiring)) return;
    const failed = (error: MillraceError): void => stream.fail(error);
    this.#detached.send({ header, type, message, lane, isReserved, call: expiring, key: cUid, renewed, failed });
  }

  /** Opens request stream number `id` of the peer. */
  openRequests(id: number, lane: Lane, call: StreamCall, stream: OpenedStream, nowMs: number): void {
    const header = this.#begin(EnvelopeMode.open);
    setCall(header, call, stream, nowMs);
    header.requestStream = id;
    header.credit = stream.credit;
    header.creditBytes = stream.creditBytes;
    this.#outbox(lane).write(header, undefined, undefined, lane === Lane.control, expirable(stream));
  }

  /**
   * Sends an element, for which the reader has given credit. Returns its encoded bytes. Throws ProtocolError when it does not fit its type
   * or is too large. `failed` is called when there was no memory for it in time, with the number of elements that are not sent.
   */
  element(
    method: AnyMethod,
    value: unknown,
    id: number,
    sequence: number,
    failed: (error: MillraceError, unsent: number) => void,
  ): number {
    const header = this.#begin(EnvelopeMode.element);
    header.correlation = id;
    header.sequence = sequence;
    const { lane, response: type } = method;
    if (this.#detached.isWritten(lane, header, type, value, true, id)) return header.valueBytes;
    const cutOff = (error: MillraceError): void => failed(error, 1 + this.#detached.drop(id));
    return this.#detached.send({ header, type, message: value, lane, isReserved: true, key: id, failed: cutOff });
  }

  /** Sends the end of a stream of this partition, behind its elements. */
  endStream(end: v1.StreamEndInit & { readonly stream: number }, lane: Lane): void {
    const [header, message] = [
      this.#begin(EnvelopeMode.link),
      v1.LinkMessage.create({ message: { case: 'streamEnd', value: end } }),
    ];
    if (this.#detached.isWritten(lane, header, v1.LinkMessage, message, true, end.stream)) return;
    // A control message has no large fields: it waits for elements, and cannot fail.
    this.#detached.send({
      header,
      type: v1.LinkMessage,
      message,
      lane,
      isReserved: true,
      key: end.stream,
      failed: () => {},
    });
  }

  /** Sends a control message to the peer's router. A message about a stream or an ask uses the lane of its method. */
  sendControl(message: v1.LinkMessageInit, lane: Lane = Lane.control): void {
    this.#outbox(lane).write(this.#begin(EnvelopeMode.link), v1.LinkMessage, v1.LinkMessage.create(message), true);
  }

  /** Reports tells of the peer that no actor will handle. */
  report(undelivered: v1.UndeliveredInit): void {
    const message = v1.LinkMessage.create({ message: { case: 'undelivered', value: undelivered } });
    this.#data.write(this.#begin(EnvelopeMode.link), v1.LinkMessage, message, true, undefined, true);
    this.#count();
  }

  #beginCall(
    mode: EnvelopeMode,
    cUid: bigint,
    method: AnyMethod,
    call: OutgoingCall | StreamCall,
    waiting: PendingCall,
    nowMs: number,
  ): EnvelopeHeader {
    const header = this.#begin(mode);
    this.#setMethod(header, method);
    this.#setReceiver(header, cUid);
    this.#setSender(header, call.caller?.toRef().cUid);
    setCall(header, call, waiting, nowMs);
    return header;
  }

  /** The peer has taken more of what was sent on this lane. */
  taken(lane: Lane): void {
    this.#outbox(lane).taken();
  }

  /** Tells that were written, sent or not. */
  get tells(): number {
    return this.#control.tells + this.#data.tells + this.#detached.tells;
  }

  /** The peer says that this many tells of the lane have arrived. */
  takenTells(lane: Lane, tells: number): void {
    this.#outbox(lane).takenTells(tells);
  }

  /** The link has ended: removes and returns all that was never sent, or that the peer has not taken as far as this end knows. */
  close(): UntakenEnvelopes {
    const unsent = this.#detached.close();
    const lanes = [this.#control, this.#data].map((outbox) => {
      const untaken = untakenIn(outbox.undelivered(), this.#maxMessageBytes, (number) => this.methods.method(number));
      return { ...untaken, tells: untaken.tells.slice(outbox.takenOfLast(untaken.tells.length)) };
    });
    this.#count();
    return {
      tells: [...lanes.flatMap(({ tells }) => tells), ...unsent],
      reports: lanes.flatMap(({ reports }) => reports),
    };
  }

  #outbox(lane: Lane): Outbox {
    return lane === Lane.control ? this.#control : this.#data;
  }

  #begin(mode: EnvelopeMode): EnvelopeHeader {
    this.envelopes++;
    this.#header.clear();
    this.#header.mode = mode;
    return this.#header;
  }

  #setMethod(header: EnvelopeHeader, method: AnyMethod): void {
    header.method = this.methods.number(method);
    if (!this.methods.isBound(header.method)) {
      header.methodName = method.fullName;
    }
  }

  #setReceiver(header: EnvelopeHeader, cUid: bigint): void {
    header.hasTo = true;
    this.#parts.set(cUid);
    header.toLow = this.#parts.low;
    header.toHigh = this.#parts.high;
  }

  #setSender(header: EnvelopeHeader, cUid: bigint | undefined): void {
    if (cUid !== undefined) {
      header.hasFrom = true;
      this.#parts.set(cUid);
      header.fromLow = this.#parts.low;
      header.fromHigh = this.#parts.high;
    }
  }
}
