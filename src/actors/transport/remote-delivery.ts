import { AskTimeoutError, type MillraceError } from '../../errors.js';
import type { AnyMethod, EnvelopeView, Lane, Meta, Ref, v1 } from '../../protocol/index.js';
import {
  type Addressee,
  type CallChain,
  chainFrom,
  Deadline,
  type Deadlines,
  type Delivery,
  type MessageLink,
  replyToEncode,
  type ReturnReason,
  type TraceContext,
} from '../kernel/index.js';
import type { AbortedAsks, AskEnd } from './aborted-asks.js';
import { cUidOf } from './uint64-parts.js';
import type { PeerLink } from './peer-link.js';
import type { UndeliveredTells } from './undelivered-tells.js';

/** What a delivery needs of the channel that its message has arrived over. */
export interface AnsweringLink extends PeerLink, MessageLink {
  readonly peer: v1.Hello | undefined;
  readonly aborted: AbortedAsks;
  readonly undelivered: UndeliveredTells;
  reply(method: AnyMethod, response: unknown, correlation: number, passThrough: Uint8Array | undefined): void;
  failure(lane: Lane, error: MillraceError, correlation: number, passThrough?: Uint8Array): void;
}

/** The end of an ask over a link, for those who have to know it: its reply, its deadline, its abort, or the end of the link. */
class Expiry extends Deadline implements AskEnd {
  isOver = false;
  readonly #deadlines: Deadlines;
  readonly #method: AnyMethod;
  #listeners: ((cause: MillraceError | undefined) => void)[] = [];

  constructor(deadlineMs: number, deadlines: Deadlines, method: AnyMethod) {
    super(deadlineMs);
    this.#deadlines = deadlines;
    this.#method = method;
    deadlines.addWait(this, deadlines.nowMs);
  }

  listen(listener: (cause: MillraceError | undefined) => void): void {
    this.#listeners.push(listener);
  }

  override expire(): void {
    this.end(new AskTimeoutError(`the caller of ${this.#method.fullName} waits no longer: its deadline has passed`));
  }

  end(cause: MillraceError | undefined): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#deadlines.remove(this);
    const listeners = this.#listeners;
    this.#listeners = [];
    for (const listener of listeners) listener(cause);
  }
}

/** What arrived with a message over a link; a reply returns over the same link. */
export class RemoteDelivery implements Delivery {
  readonly chain: CallChain | undefined;
  readonly meta: Meta | undefined;
  readonly sender: Ref | undefined;
  readonly sizeBytes: number;
  readonly trace: TraceContext | undefined;
  readonly #deadlineMs: number;
  readonly #channel: AnsweringLink;
  readonly #method: AnyMethod;
  readonly #correlation: number;
  readonly #passThrough: Uint8Array | undefined;
  #isAnswered = false;
  #expiry: Expiry | undefined = undefined;

  /** `correlation` is 0 for a message that has no waiting caller. The remaining time counts from `sentMs`, on the clock of this process. */
  constructor(
    channel: AnsweringLink,
    method: AnyMethod,
    view: EnvelopeView,
    correlation: number,
    sizeBytes: number,
    sentMs: number,
  ) {
    // Infinity means a tell. An ask without a stated deadline gets the largest finite one.
    this.#deadlineMs =
      correlation === 0
        ? Number.POSITIVE_INFINITY
        : Math.min(sentMs + view.remainingMicroseconds / 1_000, Number.MAX_VALUE);
    this.chain = chainFrom(view.chain);
    this.meta = view.meta;
    this.sender = senderOf(view, channel);
    this.sizeBytes = sizeBytes;
    this.trace = traceOf(view);
    this.#channel = channel;
    this.#method = method;
    this.#correlation = correlation;
    this.#passThrough = view.passThrough;
    channel.aborted.delete(correlation);
  }

  /** An aborted ask counts as expired, so that its handler is not run. */
  get deadlineMs(): number {
    return this.#isAborted ? Number.NEGATIVE_INFINITY : this.#deadlineMs;
  }

  get link(): MessageLink {
    return this.#channel;
  }

  get #isAborted(): boolean {
    return this.#channel.aborted.has(this.#correlation);
  }

  get isAwaited(): boolean {
    return this.#correlation !== 0 && !this.#isAnswered && !this.#isAborted && this.#expiry?.isOver !== true;
  }

  whenEnded(ended: (cause: MillraceError | undefined) => void, deadlines: Deadlines): void {
    if (!this.isAwaited) return ended(undefined);
    if (this.#expiry === undefined) {
      this.#expiry = new Expiry(this.#deadlineMs, deadlines, this.#method);
      this.#channel.aborted.listen(this.#correlation, this.#expiry);
    }
    this.#expiry.listen(ended);
  }

  reply(value: unknown): void {
    if (this.#correlation === 0 || this.#isAnswered) return;
    const response = replyToEncode(this.#method, value);
    if (!this.#isAborted) this.#channel.reply(this.#method, response, this.#correlation, this.#passThrough);
    this.#answered();
  }

  fail(error: MillraceError): void {
    if (this.#correlation === 0 || this.#isAnswered) return;
    if (!this.#isAborted) this.#channel.failure(this.#method.lane, error, this.#correlation, this.#passThrough);
    this.#answered();
  }

  giveBack(addressee: Addressee, method: AnyMethod, message: unknown, reason: ReturnReason): boolean {
    return this.#channel.undelivered.giveBack(addressee, method, message, reason);
  }

  #answered(): void {
    this.#isAnswered = true;
    this.#channel.aborted.delete(this.#correlation);
    this.#expiry?.end(undefined);
  }
}

/** The actor of the peer that sent a message; the envelope does not carry its service. */
export function senderOf({ hasFrom, fromLow, fromHigh }: EnvelopeView, { incarnation }: PeerLink): Ref | undefined {
  return hasFrom ? { cUid: cUidOf(fromLow, fromHigh), service: '', incarnation } : undefined;
}

/** The trace context that an envelope carries. */
export function traceOf({ traceParent, traceState }: EnvelopeView): TraceContext | undefined {
  return traceParent === '' ? undefined : { traceParent, traceState };
}
