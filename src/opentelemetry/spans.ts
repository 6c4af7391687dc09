import type { Context, Span, Tracer } from '@opentelemetry/api';
import { Refusal, RefusedError } from '../errors.js';
import { codeOf, errorOf, isAsyncIterable, promiseOf } from '../foreign.js';
import { laterReply, type TraceContext, type Tracing } from '../actors/kernel/index.js';
import type { AnyMethod } from '../protocol/index.js';
import type { Api } from './api.js';
import { attributesOf, nameOf } from './conventions.js';
import { SpanTrace, spanContextOf } from './span-trace.js';
import { isStream, tracedIterable, tracedStream } from './traced-streams.js';

export interface SpansOptions {
  readonly ignore: (method: string) => boolean;
  readonly requireParent: boolean;
}

/**
 * The spans of one runtime:
 *
 *     span of the caller                 e.g. of an HTTP request
 *       `- CLIENT or PRODUCER            from the call to the reply; for a tell, only the sending
 *            `- SERVER or CONSUMER       the handler, on any partition, until its result has settled
 *                 `- ...                 spans of your code, and of calls that the handler makes
 */
export class Spans implements Tracing {
  readonly #api: Api;
  readonly #tracer: Tracer;
  readonly #options: SpansOptions;

  constructor(api: Api, tracer: Tracer, options: SpansOptions) {
    this.#api = api;
    this.#tracer = tracer;
    this.#options = options;
  }

  call(
    method: AnyMethod,
    inherited: TraceContext | undefined,
    send: (trace: TraceContext | undefined) => unknown,
  ): unknown {
    const parent = this.#parent(inherited);
    if (this.#hasNoSpan(method, parent)) {
      return send(this.#traceOf(parent));
    }
    const { SpanKind } = this.#api;
    const kind = method.mode === 'tell' ? SpanKind.PRODUCER : SpanKind.CLIENT;
    const span = this.#tracer.startSpan(
      nameOf(method, 'send'),
      { kind, attributes: attributesOf(method, 'send') },
      parent,
    );
    return this.#sent(span, () => send(this.#traceOf(this.#api.trace.setSpan(parent, span))));
  }

  handle(method: AnyMethod, actor: string, trace: TraceContext | undefined, run: () => unknown): unknown {
    const { context, ROOT_CONTEXT, SpanKind } = this.#api;
    const parent = trace === undefined ? ROOT_CONTEXT : this.#received(trace);
    if (this.#hasNoSpan(method, parent)) {
      return context.with(parent, run);
    }
    const kind = method.mode === 'tell' ? SpanKind.CONSUMER : SpanKind.SERVER;
    const attributes = { ...attributesOf(method, 'process'), 'millrace.actor': actor };
    const span = this.#tracer.startSpan(nameOf(method, 'process'), { kind, attributes }, parent);
    return this.#handled(span, this.#api.trace.setSpan(parent, span), run);
  }

  detached(run: () => void): void {
    this.#api.context.with(this.#api.ROOT_CONTEXT, run);
  }

  #sent(span: Span, send: () => unknown): unknown {
    try {
      const result = send();
      if (isStream(result)) {
        return tracedStream(result, this.#endOf(span));
      }
      const sent = promiseOf(result);
      if (sent === undefined) {
        span.end();
        return result;
      }
      // The caller gets this promise: a separate one would hide an unhandled rejection.
      return sent.then(
        (reply: unknown) => {
          span.end();
          return reply;
        },
        (error: unknown) => {
          this.#fail(span, error);
          throw error;
        },
      );
    } catch (error) {
      this.#fail(span, error);
      throw error;
    }
  }

  #handled(span: Span, context: Context, run: () => unknown): unknown {
    const within = <Result>(step: () => Result): Result => this.#api.context.with(context, step);
    const end = this.#endOf(span);
    try {
      const result = within(run);
      const reply = promiseOf(result) ?? laterReply(result);
      if (reply !== undefined) {
        reply.then(end.ended, end.failed);
      } else if (isAsyncIterable(result)) {
        return tracedIterable(result, within, end);
      } else {
        span.end();
      }
      return result;
    } catch (error) {
      this.#fail(span, error);
      throw error;
    }
  }

  #endOf(span: Span): { readonly ended: () => void; readonly failed: (error: unknown) => void } {
    return { ended: () => span.end(), failed: (error) => this.#fail(span, error) };
  }

  /** A refusal is an answer: its span has the reason, and no error. */
  #fail(span: Span, cause: unknown): void {
    if (cause instanceof Refusal || cause instanceof RefusedError) {
      span.setAttribute('millrace.refused', cause.reason);
      span.end();
      return;
    }
    const error = errorOf(cause);
    const code = codeOf(error) ?? error.name;
    span.recordException(error);
    span.setAttribute('error.type', code);
    span.setStatus({ code: this.#api.SpanStatusCode.ERROR, message: error.message });
    span.end();
  }

  #hasNoSpan(method: AnyMethod, parent: Context): boolean {
    const { ignore, requireParent } = this.#options;
    return ignore(method.fullName) || (requireParent && this.#traceOf(parent) === undefined);
  }

  /** The active context of the call; without one (or without a context manager), the context of the running handler. */
  #parent(inherited: TraceContext | undefined): Context {
    const active = this.#api.context.active();
    const isInTrace = inherited === undefined || this.#api.trace.getSpanContext(active) !== undefined;
    return isInTrace ? active : this.#received(inherited);
  }

  #received(trace: TraceContext): Context {
    if (trace instanceof SpanTrace) {
      return trace.context;
    }
    const { ROOT_CONTEXT, trace: traces } = this.#api;
    const spanContext = spanContextOf(this.#api, trace);
    return spanContext === undefined ? ROOT_CONTEXT : traces.setSpanContext(ROOT_CONTEXT, spanContext);
  }

  /** The trace context of a message that is sent within `context`. */
  #traceOf(context: Context): TraceContext | undefined {
    const spanContext = this.#api.trace.getSpanContext(context);
    return spanContext !== undefined && this.#api.isSpanContextValid(spanContext)
      ? new SpanTrace(context, spanContext)
      : undefined;
  }
}
