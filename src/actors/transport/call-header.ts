import type { MillraceError } from '../../errors.js';
import type { AnyMethod, EnvelopeControl, EnvelopeHeader } from '../../protocol/index.js';
import { chainIds, type OutgoingCall, type StreamCall, type TraceContext } from '../kernel/index.js';
import { OfferedRequests } from './offered-requests.js';
import type { Expirable } from './queued-frame.js';

/** A pending ask, or a stream whose first answer is pending. */
export type PendingCall = Expirable & { readonly correlation: number };

/** It is told when it cannot be sent. */
export type FailingCall = PendingCall & { fail(error: MillraceError): void };

/** A stream that is opened, with its reader's first credit. */
export type OpenedStream = PendingCall & { readonly credit: number; readonly creditBytes: number };

/** Fills in what a call carries beside its message. */
export function setCall(
  header: EnvelopeHeader,
  call: OutgoingCall | StreamCall,
  waiting: PendingCall,
  nowMs: number,
): void {
  setAsk(header, call, waiting, nowMs);
  header.meta = call.meta;
  setTrace(header, call.trace);
}

/** Fills in what every call carries. */
export function setAsk(
  envelope: EnvelopeControl,
  { chain }: OutgoingCall | StreamCall,
  { correlation, deadlineMs }: PendingCall,
  nowMs: number,
): void {
  envelope.correlation = correlation;
  envelope.remainingMicroseconds = (deadlineMs - nowMs) * 1_000;
  envelope.sentMs = deadlineMs === Number.POSITIVE_INFINITY ? -1 : nowMs;
  envelope.chain = chainIds(chain);
}

/** Returns the type of the message that the envelope carries: undefined where it carries the number of the requests. */
export function setRequests(
  header: EnvelopeHeader,
  method: AnyMethod,
  message: unknown,
): AnyMethod['request'] | undefined {
  if (method.streamsRequests !== true || !(message instanceof OfferedRequests)) return method.request;
  header.requestStream = message.correlation;
  return undefined;
}

/** A stream that has a deadline for its first answer. */
export function expirable(stream: OpenedStream): Expirable | undefined {
  return stream.deadlineMs === Number.POSITIVE_INFINITY ? undefined : stream;
}

export function setTrace(header: EnvelopeHeader, trace: TraceContext | undefined): void {
  if (trace !== undefined) {
    header.traceParent = trace.traceParent;
    header.traceState = trace.traceState;
  }
}
