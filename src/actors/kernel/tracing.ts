import type { Logger } from '../../logging/index.js';
import type { AnyMethod } from '../../protocol/index.js';
import type { AnyBehavior, Handler } from './behavior.js';
import { ActorContext } from './actor-context.js';
import { isInherited, type StreamOptions } from './call.js';
import { isInfrastructure } from './infrastructure.js';
import type { ReferenceCall } from './reference.js';
import type { TraceContext } from './trace-context.js';

/**
 * What watches the messages of users' actors, where a system was given one. It is called around every call and every handler, and
 * chooses the trace context that goes along with the message.
 */
export interface Tracing {
  /**
   * Around a call. `inherited` came with the message that the caller handles. `send` makes the call, whose message carries `trace`, and
   * returns what the caller gets: true or false for a tell, a promise for an ask, a Stream for a stream.
   */
  call(
    method: AnyMethod,
    inherited: TraceContext | undefined,
    send: (trace: TraceContext | undefined) => unknown,
  ): unknown;
  /** Around a handler, whose message came with `trace`. `run` returns what the handler does. */
  handle(method: AnyMethod, actor: string, trace: TraceContext | undefined, run: () => unknown): unknown;
  /** Runs what belongs to nobody's message: turns of the dispatcher, whoever has asked for them. */
  detached(run: () => void): void;
}

/** Makes the tracing of a system, where it can; asked once, before anything starts. */
export type TracingSource = (log: Logger) => Promise<Tracing | undefined>;

/** What every call of a reference goes through. */
export function tracedCalls(
  tracing: Tracing,
  running: () => { readonly current: { readonly trace?: TraceContext | undefined } | undefined } | undefined,
): (method: AnyMethod, call: ReferenceCall) => ReferenceCall {
  return (method, call) => (ref, message, options) => {
    const inherited = isInherited(options) ? options.delivery?.trace : running()?.current?.trace;
    return tracing.call(method, inherited, (trace) =>
      call(ref, message, trace === undefined ? options : withTrace(options, trace)),
    );
  };
}

/** The same behavior, whose handlers are traced; that of an actor of the runtime itself is left alone. */
export function tracedBehavior(tracing: Tracing, behavior: AnyBehavior): AnyBehavior {
  if (isInfrastructure(behavior.service.typeName)) return behavior;
  const handlers = new Map<AnyMethod, Handler>();
  for (const [method, handler] of behavior.handlers) {
    handlers.set(method, (state, request, ctx) => {
      const trace = ctx instanceof ActorContext ? ctx.trace : undefined;
      return tracing.handle(method, ctx.path, trace, () => handler(state, request, ctx));
    });
  }
  return { ...behavior, handlers };
}

function withTrace(options: StreamOptions | undefined, trace: TraceContext): StreamOptions {
  return isInherited(options) ? options.withTrace(trace) : { ...options, trace };
}
