import {
  AskAbortedError,
  AskTimeoutError,
  BackpressureError,
  CircuitOpenError,
  HandlerError,
  type MillraceError,
  ProtocolError,
  RefusedError,
  UnreachableError,
} from '../../../errors.js';

/**
 * The error that a caller gets of a request that a gateway has passed on. The answers of a handler are those of the handler. Other errors keep their class, so that the caller knows
 * what to do; their messages would name processes and actors of a network that the caller does not see.
 */
export function passedOnError(what: string, network: string, error: unknown): MillraceError {
  if (error instanceof RefusedError || error instanceof HandlerError) return error;
  const there = `in the network "${network}"`;
  if (error instanceof AskTimeoutError) return new AskTimeoutError(`${what} had no reply in time ${there}.`);
  // Where the caller itself has aborted it, nobody sees this.
  if (error instanceof AskAbortedError) {
    return new UnreachableError(`${what}: its gateway has closed, or has given it up ${there}.`);
  }
  if (error instanceof BackpressureError || error instanceof CircuitOpenError) {
    const { retryAfterMs } = error;
    return new BackpressureError(`${what}: there is more to do ${there} than can be done. Try again later.`, {
      retryAfterMs,
    });
  }
  if (error instanceof ProtocolError) {
    return new ProtocolError(`${what} is not understood ${there}: use the same version of its service in both.`);
  }
  return new UnreachableError(`${what}: its container ${there} has ended, or cannot be reached.`);
}
