import type { Context, SpanContext } from '@opentelemetry/api';
import type { Api } from './api.js';
import type { TraceContext } from '../actors/kernel/index.js';

/** The trace context of a message. Inside a partition the whole context travels, including baggage; over a link its W3C form. */
export class SpanTrace implements TraceContext {
  readonly context: Context;
  readonly #span: SpanContext;

  constructor(context: Context, span: SpanContext) {
    this.context = context;
    this.#span = span;
  }

  get traceParent(): string {
    const { traceId, spanId, traceFlags } = this.#span;
    return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
  }

  get traceState(): string {
    return this.#span.traceState?.serialize() ?? '';
  }
}

/** Later versions may append fields after a hyphen. Version `ff` is invalid. */
const TRACE_PARENT = /^(?!ff)[\da-f]{2}-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(?:-.*)?$/;

/** Returns undefined for an invalid trace context: a malformed one from a peer is ignored. */
export function spanContextOf(api: Api, { traceParent, traceState }: TraceContext): SpanContext | undefined {
  const [, traceId = '', spanId = '', flags = ''] = TRACE_PARENT.exec(traceParent) ?? [];
  const spanContext: SpanContext = {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16) & api.TraceFlags.SAMPLED,
    isRemote: true,
    ...(traceState !== '' && { traceState: api.createTraceState(traceState) }),
  };
  return api.isSpanContextValid(spanContext) ? spanContext : undefined;
}
