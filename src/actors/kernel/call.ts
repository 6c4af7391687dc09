import { ConfigError, ReentrantAskError } from '../../errors.js';
import type { Meta } from '../../protocol/index.js';
import { CallChain, type ChainMember } from './call-chain.js';
import { accepted, type AcceptedOptions, checkOptions } from './given-options.js';
import { type Delivery, type Sender, TellDelivery } from './delivery.js';
import type { TraceContext } from './trace-context.js';

/** What a tell may carry besides its message. */
export interface SendOptions {
  /** Added to the meta of the message being handled, and handed on to nested calls. */
  readonly meta?: Meta | undefined;
  /** Set by tracing, for the message to carry. */
  readonly trace?: TraceContext | undefined;
}

/** What an ask may carry besides its message. */
export interface AskOptions extends SendOptions {
  /** Time for the reply in ms. Default 5 000; never more than the message being handled has left. */
  readonly timeoutMs?: number | undefined;
  /** Rejects the ask with AskAbortedError. */
  readonly signal?: AbortSignal | undefined;
}

/** What the opening of a stream may carry besides its request. */
export interface StreamOptions extends AskOptions {
  /**
   * The longest wait for any one element in ms, counted from the `next` that waits for it; then the stream fails with
   * AskTimeoutError. `Infinity` waits as long as the actor is there. Default 5 000. The first wait is never longer than the message
   * being handled has left.
   */
  readonly timeoutMs?: number | undefined;
  /** Fails the stream with AskAbortedError, and cancels it. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Elements that the actor may be ahead of the reader, the one asked for included: with 1 each is made when `next` asks for it.
   * Default 16, up to 1 024.
   */
  readonly windowItems?: number | undefined;
}

const TELL_OPTIONS: AcceptedOptions = { meta: accepted.object, trace: accepted.object };
const ASK_OPTIONS: AcceptedOptions = { timeoutMs: accepted.milliseconds, signal: accepted.signal, ...TELL_OPTIONS };
export const STREAM_OPTIONS: AcceptedOptions = { ...ASK_OPTIONS, windowItems: accepted.number };

/** An actor that makes a call while it handles a message. */
export interface Caller extends ChainMember, Sender {
  /** What came with the message being handled. */
  readonly current: Delivery | undefined;
  /** This actor's tells without meta share one delivery. */
  readonly bareTell: TellDelivery;
  /** It reads a stream from now on, which ends with it. StoppedError when it is gone. */
  reading(reader: Reader): void;
  readNoMore(reader: Reader): void;
}

/** A stream that an actor reads. */
export interface Reader {
  /** The actor at `path` has stopped, or begins anew. */
  abandon(path: string): void;
}

/** Property of options made by `ctx.options()`, whichever copy of Millrace made them. */
const inheritedKey: unique symbol = Symbol.for('millrace.options');

/** Options made by `ctx.options()`: what the handler inherited, kept past an `await`. */
export class InheritedOptions implements StreamOptions {
  readonly caller: Caller;
  readonly delivery: Delivery | undefined;
  readonly timeoutMs: number | undefined;
  readonly signal: AbortSignal | undefined;
  readonly meta: Meta | undefined;
  readonly windowItems: number | undefined;
  readonly trace: TraceContext | undefined;

  constructor(caller: Caller, options: StreamOptions | undefined, delivery: Delivery | undefined) {
    this.caller = caller;
    this.delivery = delivery;
    this.timeoutMs = options?.timeoutMs;
    this.signal = options?.signal;
    this.meta = options?.meta;
    this.windowItems = options?.windowItems;
    this.trace = options?.trace;
  }

  get [inheritedKey](): true {
    return true;
  }

  withTrace(trace: TraceContext): InheritedOptions {
    const { timeoutMs, signal, meta, windowItems } = this;
    return new InheritedOptions(this.caller, { timeoutMs, signal, meta, windowItems, trace }, this.delivery);
  }
}

export function isInherited(options: object | undefined): options is InheritedOptions {
  return typeof options === 'object' && options !== null && inheritedKey in options;
}

/** A call on its way out: the caller's options joined with what its handler inherits from the message that it handles. */
export interface OutgoingCall {
  /** Scheduler time, of both. */
  readonly beganMs: number;
  readonly deadlineMs: number;
  readonly chain: CallChain | undefined;
  readonly meta: Meta | undefined;
  readonly caller: Caller | undefined;
  readonly trace: TraceContext | undefined;
}

/** What an ask inherits. ConfigError for an option that is wrong or unknown, ReentrantAskError for a chain past its bound. */
export function outgoingAsk(
  options: AskOptions | undefined,
  running: Caller | undefined,
  nowMs: number,
  defaultTimeoutMs: number,
  maxChain: number,
): OutgoingCall {
  const kept = isInherited(options) ? options : undefined;
  if (kept === undefined) checkOptions('an ask', options, ASK_OPTIONS);
  const caller = kept === undefined ? running : kept.caller;
  const inherited = kept === undefined ? running?.current : kept.delivery;
  const timeoutMs = options?.timeoutMs ?? defaultTimeoutMs;
  if (!(timeoutMs > 0 && timeoutMs < Number.POSITIVE_INFINITY)) {
    throw new ConfigError(`timeoutMs of an ask must be a positive finite number of milliseconds, not ${timeoutMs}`);
  }
  return {
    beganMs: nowMs,
    deadlineMs: Math.min(nowMs + timeoutMs, inherited?.deadlineMs ?? Number.POSITIVE_INFINITY),
    chain: chainOf(caller, inherited, maxChain),
    meta: joinMeta(inherited?.meta, options?.meta),
    caller,
    trace: options?.trace,
  };
}

/** What a tell inherits: undefined when it comes from no actor and has no meta, the common case that allocates nothing. ConfigError for an option that is wrong or unknown. */
export function outgoingTell(options: SendOptions | undefined, running: Caller | undefined): TellDelivery | undefined {
  const kept = isInherited(options) ? options : undefined;
  if (kept === undefined) checkOptions('a tell', options, TELL_OPTIONS);
  const caller = kept === undefined ? running : kept.caller;
  const inherited = kept === undefined ? running?.current : kept.delivery;
  const meta = joinMeta(inherited?.meta, options?.meta);
  const trace = options?.trace;
  return meta === undefined && trace === undefined ? caller?.bareTell : new TellDelivery(caller, meta, trace);
}

/** Who waits for a call that `caller` makes. ReentrantAskError past `maxChain`. */
export function chainOf(
  caller: Caller | undefined,
  inherited: Delivery | undefined,
  maxChain: number,
): CallChain | undefined {
  if (caller === undefined) return undefined;
  const chain = new CallChain(caller, inherited?.chain);
  if (chain.length <= maxChain) return chain;
  throw new ReentrantAskError(
    `${chain.length} asks wait on one another, the bound is ${maxChain}: does the chain ever end?`,
  );
}

export function joinMeta(inherited: Meta | undefined, own: Meta | undefined): Meta | undefined {
  if (inherited === undefined) return own;
  return own === undefined ? inherited : { ...inherited, ...own };
}

/** The same options with more meta. */
export function withMeta(options: AskOptions | undefined, added: Meta): AskOptions {
  const more = { ...options, meta: { ...options?.meta, ...added } };
  return isInherited(options) ? new InheritedOptions(options.caller, more, options.delivery) : more;
}
