import type * as OpenTelemetry from '@opentelemetry/api';

/** What is used of `@opentelemetry/api`, which is imported only when tracing is wanted. */
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
