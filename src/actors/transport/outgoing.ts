import { BackpressureError, type MillraceError, ProtocolError } from '../../errors.js';
import {
  type AnyMethod,
  encodedSender,
  EnvelopeHeader,
  EnvelopeMode,
  EnvelopePrefix,
  Lane,
  v1,
} from '../../protocol/index.js';
import type { OutgoingCall, StreamCall, TellDelivery } from '../kernel/index.js';
import {
  expirable,
  type FailingCall,
  type OpenedStream,
  type PendingCall,
  setAsk,
  setCall,
  setRequests,
  setTrace,
} from './call-header.js';
import type { DetachedSends } from './detached-sends.js';
import { OutgoingMethods } from './method-numbers.js';
import type { OutgoingLanes, SendingChannel } from './outgoing-lanes.js';
import type { Recipient } from './recipient.js';
import { highOf, lowOf, Uint64Parts } from './uint64-parts.js';
import { toWire } from '../../protocol/errors/index.js';

/** Builds the envelopes that a channel sends, and writes them to their lane. */
export class Outgoing {
  readonly methods = new OutgoingMethods();
  /** Envelopes that were started, sent or not. */
  envelopes = 0;
  readonly #lanes: OutgoingLanes;
  readonly #detached: DetachedSends;
  readonly #lost: SendingChannel['lost'];
  readonly #header = new EnvelopeHeader();
  readonly #reply = new EnvelopePrefix(EnvelopeMode.reply);
  readonly #element = new EnvelopePrefix(EnvelopeMode.element);
  readonly #parts = new Uint64Parts();
  #senderCUid: bigint | undefined;
  #senderField: Uint8Array | undefined;

  constructor(lanes: OutgoingLanes, channel: Pick<SendingChannel, 'lost'>) {
    this.#lanes = lanes;
    this.#detached = lanes.detached;
    this.#lost = (cUid, method, cause) => channel.lost(cUid, method, cause);
  }

  /** Writes control messages that go before all that waits, in their order. For the time before the lanes have their link. */
  writeFirst(messages: readonly v1.LinkMessageInit[]): void {
    for (const message of messages.toReversed()) {
      this.#lanes.writeFirst(() => this.#begin(EnvelopeMode.link), v1.LinkMessage, v1.LinkMessage.create(message));
    }
  }

  /** False past the high-water mark. Throws BackpressureError at the bound, ProtocolError for a message that cannot be sent. */
  tell(to: Recipient, method: AnyMethod, message: unknown, delivery: TellDelivery | undefined): boolean {
    const { lane, request: type } = method;
    const isReserved = lane === Lane.control;
    const prefix = this.#prefix(to, method, delivery?.sender?.cUid, delivery);
    if (prefix !== undefined && this.#detached.isWritten(lane, prefix, type, message, isReserved, to.cUid)) {
      this.envelopes++;
      return !this.#lanes.of(lane).isPastMark;
    }
    const header = this.#tellHeader(to.cUid, method, delivery);
    if (prefix === undefined && this.#detached.isWritten(lane, header, type, message, isReserved, to.cUid))
      return !this.#lanes.of(lane).isPastMark;
    const { cUid } = to;
    const failed = (error: MillraceError): void => this.#lost(cUid, method, error);
    this.#detached.send({ header, type, message, lane, isReserved, key: cUid, tell: { cUid, method }, failed });
    return !this.#lanes.isPastMark && !this.#detached.isHeldUp(cUid);
  }

  #tellHeader(cUid: bigint, method: AnyMethod, delivery: TellDelivery | undefined): EnvelopeHeader {
    const header = this.#begin(EnvelopeMode.tell);
    this.#setMethod(header, method);
    this.#setReceiver(header, cUid);
    this.#setSender(header, delivery?.sender?.cUid);
    header.meta = delivery?.meta;
    setTrace(header, delivery?.trace);
    return header;
  }

  /** The encoded beginning of a tell or an ask; undefined for one that carries what a prefix has no field for. */
  #prefix(
    to: Recipient,
    method: AnyMethod,
    sender: bigint | undefined,
    carried: Pick<TellDelivery, 'meta' | 'trace'> | undefined,
  ): EnvelopePrefix | undefined {
    if (carried !== undefined && (carried.meta !== undefined || carried.trace !== undefined)) return undefined;
    const number = this.methods.number(method);
    const prefix = this.methods.isBound(number) ? to.prefix(method, number) : undefined;
    if (prefix !== undefined) prefix.from = this.#encodedSender(sender);
    return prefix;
  }

  /** Most messages come from the sender of the one before. */
  #encodedSender(cUid: bigint | undefined): Uint8Array | undefined {
    if (cUid === undefined) return undefined;
    if (cUid !== this.#senderCUid) {
      this.#senderCUid = cUid;
      this.#senderField = encodedSender(lowOf(cUid), highOf(cUid));
    }
    return this.#senderField;
  }

  ask(to: Recipient, method: AnyMethod, message: unknown, call: OutgoingCall, ask: FailingCall, nowMs: number): void {
    const { cUid } = to;
    const { lane } = method;
    const isReserved = lane === Lane.control;
    const prefix = this.#askPrefix(to, method, call);
    if (prefix !== undefined) {
      setAsk(prefix, call, ask, nowMs);
      if (this.#detached.isWritten(lane, prefix, method.request, message, isReserved, cUid, ask)) {
        this.envelopes++;
        return;
      }
    }
    const header = this.#beginCall(EnvelopeMode.ask, cUid, method, call, ask, nowMs);
    const type = setRequests(header, method, message);
    if (prefix === undefined && this.#detached.isWritten(lane, header, type, message, isReserved, cUid, ask)) return;
    const renewed = (): boolean => !ask.isSettled;
    const failed = (error: MillraceError): void => ask.fail(error);
    this.#detached.send({ header, type, message, lane, isReserved, call: ask, key: cUid, renewed, failed });
  }

  #askPrefix(to: Recipient, method: AnyMethod, call: OutgoingCall): EnvelopePrefix | undefined {
    return method.streamsRequests === true ? undefined : this.#prefix(to, method, call.caller?.cUid, call);
  }

  /** A reply is accepted past the bound of other messages, up to the link's allowance; beyond that, a failure is sent in its place. */
  reply(method: AnyMethod, response: unknown, correlation: number, passThrough: Uint8Array | undefined): void {
    const { waitingBytes, replyAllowance: allowance } = this.#lanes;
    if (waitingBytes > allowance) {
      const text = `The reply was dropped: ${waitingBytes} bytes wait for the caller's link, and ${allowance} may (linkReplyBytes, and its part of replyBytes). The caller must read faster.`;
      this.failure(method.lane, new BackpressureError(text), correlation, passThrough);
      return;
    }
    const { lane, response: type } = method;
    const isPlain = passThrough === undefined;
    if (isPlain && this.#isWritten(this.#reply, lane, type, response, correlation)) {
      this.#lanes.count();
      return;
    }
    const header = this.#begin(EnvelopeMode.reply);
    header.correlation = correlation;
    header.passThrough = passThrough;
    if (isPlain || !this.#detached.isWritten(lane, header, type, response, true, header)) {
      const failed = (error: MillraceError): void => this.failure(lane, error, correlation, passThrough);
      // A key of its own: no other envelope has to keep its order with a reply.
      this.#detached.send({ header, type, message: response, lane, isReserved: true, key: Symbol(), failed });
    }
    this.#lanes.count();
  }

  failure(lane: Lane, error: MillraceError, correlation: number, passThrough: Uint8Array | undefined): void {
    const header = this.#begin(EnvelopeMode.failure);
    header.correlation = correlation;
    header.passThrough = passThrough;
    header.error = toWire(error);
    try {
      this.#lanes.of(lane).write(header, undefined, undefined, true);
    } catch (cause) {
      if (!(cause instanceof ProtocolError) || passThrough === undefined) {
        throw cause;
      }
      // Both together are too large. The failure matters more than the echoed bytes.
      this.failure(lane, error, correlation, undefined);
    }
    this.#lanes.count();
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
    const isReserved = lane === Lane.control;
    const expiring = expirable(stream);
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
    this.#lanes.of(lane).write(header, undefined, undefined, lane === Lane.control, expirable(stream));
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
    const { lane, response: type } = method;
    this.#element.sequence = sequence;
    if (this.#isWritten(this.#element, lane, type, value, id, id)) return this.#element.valueBytes;
    const header = this.#begin(EnvelopeMode.element);
    header.correlation = id;
    header.sequence = sequence;
    const cutOff = (error: MillraceError): void => failed(error, 1 + this.#detached.drop(id));
    return this.#detached.send({ header, type, message: value, lane, isReserved: true, key: id, failed: cutOff });
  }

  /** Sends the end of a stream of this partition, behind its elements. */
  endStream(end: v1.StreamEndInit & { readonly stream: number }, lane: Lane): void {
    const header = this.#begin(EnvelopeMode.link);
    const type = v1.LinkMessage;
    const message = type.create({ message: { case: 'streamEnd', value: end } });
    const key = end.stream;
    if (this.#detached.isWritten(lane, header, type, message, true, key)) return;
    // A control message has no large fields: it waits for elements, and cannot fail.
    this.#detached.send({ header, type, message, lane, isReserved: true, key, failed: () => {} });
  }

  /** Sends a control message to the peer's router. A message about a stream or an ask uses the lane of its method. */
  sendControl(message: v1.LinkMessageInit, lane: Lane = Lane.control): void {
    this.#lanes.of(lane).write(this.#begin(EnvelopeMode.link), v1.LinkMessage, v1.LinkMessage.create(message), true);
  }

  /** Reports tells of the peer that no actor will handle. */
  report(undelivered: v1.UndeliveredInit): void {
    const message = v1.LinkMessage.create({ message: { case: 'undelivered', value: undelivered } });
    this.#lanes.data.write(this.#begin(EnvelopeMode.link), v1.LinkMessage, message, true, undefined, true);
    this.#lanes.count();
  }

  /** Writes a reply or an element, unless it has large fields, or waits behind others with its key. Nothing waits with the prefix as its key. */
  #isWritten(
    prefix: EnvelopePrefix,
    lane: Lane,
    type: AnyMethod['response'],
    value: unknown,
    correlation: number,
    key: unknown = prefix,
  ): boolean {
    prefix.correlation = correlation;
    const isWritten = this.#detached.isWritten(lane, prefix, type, value, true, key);
    if (isWritten) this.envelopes++;
    return isWritten;
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
    this.#setSender(header, call.caller?.cUid);
    setCall(header, call, waiting, nowMs);
    return header;
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
