import { ConfigError } from '../../errors.js';
import { limits } from '../../limits.js';
import type { Meta } from '../../protocol/index.js';
import { type Caller, chainOf, inheritanceOf, joinMeta, STREAM_OPTIONS, type StreamOptions } from './call.js';
import type { CallChain } from './call-chain.js';
import { checkOptions } from '../../options/index.js';
import type { StreamSink, StreamSource } from './stream.js';
import type { TraceContext } from './trace-context.js';

/** An outgoing stream: the caller's options, merged with what it inherits from the message being handled. */
export interface StreamCall {
  readonly timeoutMs: number;
  readonly windowItems: number;
  readonly windowBytes: number;
  /** Scheduler time at which the message being handled expires, `Infinity` for none. */
  readonly openByMs: number;
  /** Scheduler time at which every wait for an element ends; `Infinity` for none. */
  readonly untilMs: number;
  readonly signal: AbortSignal | undefined;
  readonly chain: CallChain | undefined;
  readonly meta: Meta | undefined;
  readonly caller: Caller | undefined;
  readonly trace: TraceContext | undefined;
}

/** Opens the stream at the actor. An error that it throws fails the stream. */
export type OpenStream = (
  sink: StreamSink,
  call: StreamCall,
  start: { readonly deadlineMs: number; readonly credit: number },
) => StreamSource;

/** Creates the data of a stream. Throws ConfigError for an option that is wrong or unknown, CallChainError for a chain past its bound. */
export function outgoingStream(
  options: StreamOptions | undefined,
  running: Caller | undefined,
  defaultTimeoutMs: number,
  maxChain: number,
): StreamCall {
  const kept = inheritanceOf(options);
  checkOptions('a stream', options, STREAM_OPTIONS);
  const { timeoutMs = defaultTimeoutMs, signal, meta } = options ?? {};
  const { windowItems = limits.rpcStreamItems, windowBytes = limits.rpcStreamBytes } = options ?? {};
  if (!(timeoutMs > 0)) {
    throw new ConfigError(
      `timeoutMs of a stream must be a positive number of milliseconds, or Infinity, not ${timeoutMs}`,
    );
  }
  checkWindow('windowItems', windowItems, limits.streamItems);
  checkWindow('windowBytes', windowBytes, limits.rpcStreamsBytes);
  const caller = kept === undefined ? running : kept.caller;
  const inherited = kept === undefined ? running?.current : kept.delivery;
  return {
    timeoutMs,
    windowItems,
    windowBytes,
    openByMs: inherited?.deadlineMs ?? Number.POSITIVE_INFINITY,
    untilMs: Number.POSITIVE_INFINITY,
    signal,
    chain: chainOf(caller, inherited, maxChain),
    meta: joinMeta(inherited?.meta, meta),
    caller,
    trace: options?.trace,
  };
}

function checkWindow(name: string, window: number, most: number): void {
  if (Number.isSafeInteger(window) && window >= 1 && window <= most) return;
  throw new ConfigError(`${name} of a stream must be a whole number from 1 to ${most}, not ${window}`);
}
