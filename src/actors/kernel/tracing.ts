import type { Logger } from '../../logging/index.js';
import type { AnyMethod } from '../../protocol/index.js';
import type { AnyBehavior, Handler } from './behavior.js';
import { inheritanceOf, isInherited } from './call.js';
import type { CurrentTurn } from './current-turn.js';
import { isInfrastructure } from './infrastructure.js';
import type { ReferenceCall } from './reference.js';
import type { TraceContext } from './trace-context.js';

/**
 * Traces the messages of users' actors. It is called around every call and every handler, and sets the trace context of the message.
 */
export interface Tracing {
  /**
   * Called around a call. `inherited` belongs to the message that the caller handles. `send` makes the call with the trace context `trace`,
   * and returns the caller's result: true or false for a tell, a promise for an ask, a Stream for a stream.
   */
  call(
    method: AnyMethod,
    inherited: TraceContext | undefined,
    send: (trace: TraceContext | undefined) => unknown,
  ): unknown;
  /** Called around a handler; `trace` belongs to its message. `run` returns the handler's result. */
  handle(method: AnyMethod, actor: string, trace: TraceContext | undefined, run: () => unknown): unknown;
  /** Runs a turn of the dispatcher without a current trace context, because it belongs to no message. */
  detached(run: () => void): void;
}

/** Creates the tracing of a system, or returns undefined. Called once, before anything starts. */
export type TracingSource = (log: Logger) => Promise<Tracing | undefined>;

/** A wrapper for every call of a reference. */
export function tracedCalls(
  tracing: Tracing,
  turn: CurrentTurn,
): (method: AnyMethod, call: ReferenceCall) => ReferenceCall {
  return (method, call) => (ref, message, options) => {
    const inherited = isInherited(options) ? inheritanceOf(options)?.delivery?.trace : turn.actor?.current?.trace;
    return tracing.call(method, inherited, (trace) =>
      call(ref, message, trace === undefined ? options : { ...options, trace }),
    );
  };
}

/** The behavior with traced handlers; returns behaviors of the runtime itself unchanged. */
export function tracedBehavior(tracing: Tracing, behavior: AnyBehavior, turn: CurrentTurn): AnyBehavior {
  if (isInfrastructure(behavior.service.typeName)) return behavior;
  const handlers = new Map<AnyMethod, Handler>();
  for (const [method, handler] of behavior.handlers) {
    handlers.set(method, (state, request, ctx) => {
      const trace = turn.actor?.current?.trace;
      return tracing.handle(method, ctx.path, trace, () => handler(state, request, ctx));
    });
  }
  return { ...behavior, handlers };
}
