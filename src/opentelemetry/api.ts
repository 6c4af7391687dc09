import type * as OpenTelemetry from '@opentelemetry/api';

/** The part of `@opentelemetry/api` that we use. It is imported only when tracing is enabled. */
export type Api = Pick<
  typeof OpenTelemetry,
  | 'ROOT_CONTEXT'
  | 'SpanKind'
  | 'SpanStatusCode'
  | 'TraceFlags'
  | 'context'
  | 'createTraceState'
  | 'isSpanContextValid'
  | 'trace'
>;
