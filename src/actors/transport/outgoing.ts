import { BackpressureError, type MillraceError, ProtocolError } from '../../errors.js';
import {
  type AnyMethod,
  encodedSender,
  EnvelopeHeader,
  EnvelopeMode,
  type EnvelopePrefix,
  Lane,
  v1,
} from '../../protocol/index.js';
import { chainIds, type OutgoingCall, type StreamCall, type TellDelivery, type TraceContext } from '../kernel/index.js';
import { highOf, lowOf, Uint64Parts } from './uint64-parts.js';
import { OfferedRequests } from './offered-requests.js';
import { OutgoingMethods } from './method-numbers.js';
import type { OutgoingLanes } from './outgoing-lanes.js';
import type { Recipient } from './recipient.js';
import type { Expirable } from './queued-frame.js';
import { toWire } from './wire-errors.js';

/** A pending ask, or a stream whose first answer is pending. */
type Waiting = Expirable & { readonly correlation: number };

/** A stream that is opened, with its reader's first credit. */
type Opened = Waiting & { readonly credit: number; readonly creditBytes: number };

/** Builds the envelopes that a channel sends, and writes them to their lane. */
export class Outgoing {
  readonly methods = new OutgoingMethods();
  /** Envelopes that were started, sent or not. */
  envelopes = 0;
  readonly #lanes: OutgoingLanes;
  readonly #header = new EnvelopeHeader();
  readonly #parts = new Uint64Parts();
  #senderCUid: bigint | undefined;
  #senderField: Uint8Array | undefined;

  constructor(lanes: OutgoingLanes) {
    this.#lanes = lanes;
  }

  /** Writes control messages that go before all that waits, in their order. For the time before the lanes have their link. */
  writeFirst(messages: readonly v1.LinkMessageInit[]): void {
    for (const message of messages.toReversed()) {
      this.#lanes.writeFirst(() => this.#begin(EnvelopeMode.link), v1.LinkMessage, v1.LinkMessage.create(message));
    }
  }

  /** False past the high-water mark. Throws BackpressureError at the bound, ProtocolError for a message that cannot be sent. */
  tell(to: Recipient, method: AnyMethod, message: unknown, delivery: TellDelivery | undefined): boolean {
    const outbox = this.#lanes.of(method.lane);
    const isReserved = method.lane === Lane.control;
    const prefix = this.#prefix(to, method, delivery);
    if (prefix !== undefined) {
      this.envelopes++;
      outbox.writeTell(prefix, method.request, message, isReserved);
    } else {
      const header = this.#begin(EnvelopeMode.tell);
      this.#setMethod(header, method);
      this.#setReceiver(header, to.cUid);
      this.#setSender(header, delivery?.sender?.cUid);
      header.meta = delivery?.meta;
      setTrace(header, delivery?.trace);
      outbox.write(header, method.request, message, isReserved);
    }
    return !outbox.isPastMark;
  }

  /** The encoded beginning of a tell; undefined for one that the peer must be told more of than receiver, method and sender. */
  #prefix(to: Recipient, method: AnyMethod, delivery: TellDelivery | undefined): EnvelopePrefix | undefined {
    if (delivery !== undefined && (delivery.meta !== undefined || delivery.trace !== undefined)) return undefined;
    const number = this.methods.number(method);
    const prefix = this.methods.isBound(number) ? to.prefix(method, number) : undefined;
    if (prefix !== undefined) prefix.from = this.#encodedSender(delivery?.sender?.cUid);
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

  ask(cUid: bigint, method: AnyMethod, message: unknown, call: OutgoingCall, ask: Waiting, nowMs: number): void {
    const header = this.#beginCall(EnvelopeMode.ask, cUid, method, call, ask, nowMs);
    const type = setRequests(header, method, message);
    this.#lanes.of(method.lane).write(header, type, message, method.lane === Lane.control, ask);
  }

  /** A reply is accepted past the bound of other messages, up to the link's allowance; beyond that, a failure is sent in its place. */
  reply(method: AnyMethod, response: unknown, correlation: number, passThrough: Uint8Array | undefined): void {
    const { waitingBytes, replyAllowance: allowance } = this.#lanes;
    if (waitingBytes > allowance) {
      const text = `The reply was dropped: ${waitingBytes} bytes wait for the caller's link, and ${allowance} may (linkReplyBytes, and its part of replyBytes). The caller must read faster.`;
      this.failure(method.lane, new BackpressureError(text), correlation, passThrough);
      return;
    }
    const header = this.#begin(EnvelopeMode.reply);
    header.correlation = correlation;
    header.passThrough = passThrough;
    this.#lanes.of(method.lane).write(header, method.response, response, true);
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
  open(cUid: bigint, method: AnyMethod, message: unknown, call: StreamCall, stream: Opened, nowMs: number): void {
    const header = this.#beginCall(EnvelopeMode.open, cUid, method, call, stream, nowMs);
    const type = setRequests(header, method, message);
    this.#writeOpen(header, stream, method.lane, type, message);
  }

  /** Opens request stream number `id` of the peer. */
  openRequests(id: number, lane: Lane, call: StreamCall, stream: Opened, nowMs: number): void {
    const header = this.#begin(EnvelopeMode.open);
    setCall(header, call, stream, nowMs);
    header.requestStream = id;
    this.#writeOpen(header, stream, lane, undefined, undefined);
  }

  #writeOpen(
    header: EnvelopeHeader,
    stream: Opened,
    lane: Lane,
    type: AnyMethod['request'] | undefined,
    message: unknown,
  ): void {
    header.credit = stream.credit;
    header.creditBytes = stream.creditBytes;
    const expirable = stream.deadlineMs === Number.POSITIVE_INFINITY ? undefined : stream;
    this.#lanes.of(lane).write(header, type, message, lane === Lane.control, expirable);
  }

  /**
   * Sends an element, for which the reader has given credit. Returns its encoded bytes. Throws ProtocolError when it does not fit its type
   * or is too large.
   */
  element(method: AnyMethod, value: unknown, id: number, sequence: number): number {
    const header = this.#begin(EnvelopeMode.element);
    header.correlation = id;
    header.sequence = sequence;
    this.#lanes.of(method.lane).write(header, method.response, value, true);
    return header.valueBytes;
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

  #beginCall(
    mode: EnvelopeMode,
    cUid: bigint,
    method: AnyMethod,
    call: OutgoingCall | StreamCall,
    waiting: Waiting,
    nowMs: number,
  ): EnvelopeHeader {
    const header = this.#begin(mode);
    this.#setMethod(header, method);
    this.#setReceiver(header, cUid);
    this.#setSender(header, call.caller?.toRef().cUid);
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

function setCall(
  header: EnvelopeHeader,
  call: OutgoingCall | StreamCall,
  { correlation, deadlineMs }: Waiting,
  nowMs: number,
): void {
  header.correlation = correlation;
  header.remainingMicroseconds = (deadlineMs - nowMs) * 1_000;
  if (deadlineMs !== Number.POSITIVE_INFINITY) header.sentMs = nowMs;
  header.chain = chainIds(call.chain);
  header.meta = call.meta;
  setTrace(header, call.trace);
}

/** Returns the type of the message that the envelope carries: undefined where it carries the number of the requests. */
function setRequests(header: EnvelopeHeader, method: AnyMethod, message: unknown): AnyMethod['request'] | undefined {
  if (method.streamsRequests !== true || !(message instanceof OfferedRequests)) return method.request;
  header.requestStream = message.correlation;
  return undefined;
}

function setTrace(header: EnvelopeHeader, trace: TraceContext | undefined): void {
  if (trace !== undefined) {
    header.traceParent = trace.traceParent;
    header.traceState = trace.traceState;
  }
}
