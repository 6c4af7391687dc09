import { CallChainError, ConfigError } from '../../errors.js';
import type { Meta } from '../../protocol/index.js';
import type { AsyncContexts } from './async-contexts.js';
import { CallChain, type ChainMember } from './call-chain.js';
import { checkMeta } from './check-meta.js';
import { accepted, type AcceptedOptions, checkOptions } from '../../options/index.js';
import { type Delivery, type Sender, TellDelivery } from './delivery.js';
import type { TraceContext } from './trace-context.js';

/** Options of a tell. */
export interface SendOptions {
  /** Added to the meta of the message being handled, and passed on to nested calls. */
  readonly meta?: Meta | undefined;
  /** Set by tracing, for the message to carry. */
  readonly trace?: TraceContext | undefined;
}

/** Options of an ask. */
export interface AskOptions extends SendOptions {
  /** Time for the reply in ms. Default 5 000; at most the remaining time of the message being handled. */
  readonly timeoutMs?: number | undefined;
  /** Rejects the ask with AskAbortedError when it is aborted. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of a stream. */
export interface StreamOptions extends AskOptions {
  /**
   * The longest wait for one element in ms, from the `next` that waits for it; then the stream fails with AskTimeoutError. `Infinity`
   * waits as long as the actor is alive. Default 5 000. The first wait is at most the remaining time of the message being handled.
   */
  readonly timeoutMs?: number | undefined;
  /** Fails the stream with AskAbortedError, and cancels it, when it is aborted. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Number of elements that the actor may be ahead of the reader, including the requested one: with 1, each element is produced when
   * `next` requests it. Default 64, up to 1 024.
   */
  readonly windowItems?: number | undefined;
  /**
   * Encoded bytes of elements that the actor may be ahead of the reader, over a link; an element is sent while any byte is left, so a larger
   * one arrives alone. Within a partition elements are objects of the actor, and only `windowItems` holds. Default 262 144, up to 64 MiB.
   */
  readonly windowBytes?: number | undefined;
}

export const TELL_OPTIONS: AcceptedOptions = { meta: accepted.object, trace: accepted.object };
export const ASK_OPTIONS: AcceptedOptions = {
  timeoutMs: accepted.milliseconds,
  signal: accepted.signal,
  ...TELL_OPTIONS,
};
export const STREAM_OPTIONS: AcceptedOptions = {
  ...ASK_OPTIONS,
  windowItems: accepted.number,
  windowBytes: accepted.number,
};

/** An actor whose handler may wait for an ask. */
export interface WaitingActor {
  readonly path: string;
  /** A handler or hook of it is pending, so that it handles nothing else. */
  readonly isHeld: boolean;
  /** The last ask that it made of an actor of this partition. */
  readonly lastAsk: WaitingAsk | undefined;
  /** It has stashed the message of this delivery. */
  hasStashed(delivery: Delivery): boolean;
  /** Where the message of this delivery is. In a long mailbox it is not looked for. */
  placeOf(delivery: Delivery): 'mailbox' | 'handler' | 'unknown';
}

/** An ask that an actor may wait for. */
export interface WaitingAsk {
  readonly asked: WaitingActor;
  /** It has no reply, or failed at its deadline just now. */
  readonly isWaitedFor: boolean;
}

/** An actor that makes a call while it handles a message. */
export interface Caller extends ChainMember, Sender, WaitingActor {
  readonly path: string;
  asks(ask: WaitingAsk): void;
  /** The delivery of the message being handled. */
  readonly current: Delivery | undefined;
  /** This actor's tells without meta share one delivery. */
  readonly bareTell: TellDelivery;
  /** Registers a stream that the actor reads, and that ends with it. Throws StoppedError when the actor has stopped. */
  reading(reader: Reader): void;
  readNoMore(reader: Reader): void;
}

/** A stream that an actor reads. */
export interface Reader {
  /** The actor at `path`, which reads the stream, stops or restarts. */
  abandon(path: string): void;
}

/** What calls inherit from the message that a handler was given. */
export interface Inheritance {
  readonly caller: Caller;
  readonly delivery: Delivery | undefined;
}

/** Property of options created by `ctx.options()`, whichever copy of Millrace created them. Copied by `{ ...ctx.options(), timeoutMs }`. */
const inheritedKey: unique symbol = Symbol.for('millrace.options');

/** Options created by `ctx.options()`: keep what calls inherit from the handler's message, past an `await`. */
export interface InheritedOptions extends StreamOptions {
  readonly [inheritedKey]: Inheritance;
}

export function inheritedOptions(
  caller: Caller,
  options: StreamOptions | undefined,
  delivery: Delivery | undefined,
): InheritedOptions {
  return { ...options, [inheritedKey]: { caller, delivery } };
}

export function isInherited(options: object | undefined): options is InheritedOptions {
  return typeof options === 'object' && options !== null && inheritedKey in options;
}

/** What options of `ctx.options()` inherit; undefined for other options. */
export function inheritanceOf(options: object | undefined): Inheritance | undefined {
  return isInherited(options) ? options[inheritedKey] : undefined;
}

/**
 * Throws ConfigError for an option that is wrong, or that `of` does not have. Options of `ctx.options()` are those of any call: what a
 * call does not have is ignored.
 */
export function checkCallOptions(of: string, options: object | undefined, known: AcceptedOptions): void {
  checkOptions(of, options, isInherited(options) ? STREAM_OPTIONS : known);
}

/** An outgoing call: the caller's options, merged with what it inherits from the message being handled. */
export interface OutgoingCall {
  /** Scheduler time, of both. */
  readonly beganMs: number;
  readonly deadlineMs: number;
  readonly chain: CallChain | undefined;
  readonly meta: Meta | undefined;
  readonly caller: Caller | undefined;
  readonly trace: TraceContext | undefined;
}

/** Creates the data of an ask. Throws ConfigError for an option that is wrong or unknown, CallChainError for a chain past its bound. */
export function outgoingAsk(
  options: AskOptions | undefined,
  running: Caller | undefined,
  nowMs: number,
  defaultTimeoutMs: number,
  maxChain: number,
): OutgoingCall {
  const kept = inheritanceOf(options);
  checkCallOptions('an ask', options, ASK_OPTIONS);
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

/**
 * Creates the data of a tell: undefined when no actor sends it, and it has neither meta nor a context. This common case allocates nothing.
 * Throws ConfigError for an option that is wrong or unknown.
 */
export function outgoingTell(
  options: SendOptions | undefined,
  running: Caller | undefined,
  contexts?: AsyncContexts,
): TellDelivery | undefined {
  const kept = inheritanceOf(options);
  checkCallOptions('a tell', options, TELL_OPTIONS);
  const caller = kept === undefined ? running : kept.caller;
  const inherited = kept === undefined ? running?.current : kept.delivery;
  const meta = joinMeta(inherited?.meta, options?.meta);
  const trace = options?.trace;
  const asyncContext = contexts?.isInUse === true ? contexts.capture() : undefined;
  return meta === undefined && trace === undefined && asyncContext === undefined
    ? caller?.bareTell
    : new TellDelivery(caller, meta, trace, asyncContext);
}

/** The chain of callers that wait for a call of `caller`. Throws CallChainError past `maxChain`. */
export function chainOf(
  caller: Caller | undefined,
  inherited: Delivery | undefined,
  maxChain: number,
): CallChain | undefined {
  if (caller === undefined) return undefined;
  const chain = new CallChain(caller, inherited?.chain);
  if (chain.length <= maxChain) return chain;
  throw new CallChainError(
    `This ask is number ${chain.length} in a chain of asks that wait for one another, and the bound is ${maxChain} (callChain): the recursion may have no end.`,
  );
}

/** Throws ProtocolError when the result is too large, or is not text. */
export function joinMeta(inherited: Meta | undefined, own: Meta | undefined): Meta | undefined {
  if (own === undefined) return inherited;
  const meta = inherited === undefined ? own : { ...inherited, ...own };
  checkMeta(meta);
  return meta;
}

/** The same options with more meta. */
export function withMeta(options: AskOptions | undefined, added: Meta): AskOptions {
  return { ...options, meta: { ...options?.meta, ...added } };
}
