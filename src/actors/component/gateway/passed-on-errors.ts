import {
  AskAbortedError,
  AskTimeoutError,
  BackpressureError,
  CallChainError,
  CircuitOpenError,
  HandlerError,
  type MillraceError,
  ProtocolError,
  ReentrantAskError,
  RefusedError,
  UnreachableError,
} from '../../../errors.js';

/**
 * The error that a caller gets of a request that a gateway has passed on. The answers of a handler are those of the handler. Errors by which a caller knows what to do keep their class:
 * no reply in time, too much to do, an open breaker, a chain of asks, a message that is not understood. All others are an UnreachableError, which is unsent where the request
 * was. Their messages, and their causes, would name processes and actors of a network that the caller does not see: the log of the gateway has them.
 */
export function passedOnError(what: string, network: string, error: unknown): MillraceError {
  if (error instanceof RefusedError || error instanceof HandlerError) return error;
  const there = `in the network "${network}"`;
  if (error instanceof AskTimeoutError) return new AskTimeoutError(`${what} had no reply in time ${there}.`);
  // Where the caller itself has aborted it, nobody sees this.
  if (error instanceof AskAbortedError) {
    return new UnreachableError(`${what}: its gateway has closed, or has given it up ${there}.`);
  }
  if (error instanceof BackpressureError) {
    const { retryAfterMs } = error;
    return new BackpressureError(`${what}: there is more to do ${there} than can be done. Try again later.`, {
      retryAfterMs,
    });
  }
  if (error instanceof CircuitOpenError) {
    const { retryAfterMs } = error;
    return new CircuitOpenError(`${what} was not sent ${there}: asks before it have failed. Try again later.`, {
      retryAfterMs,
    });
  }
  if (error instanceof CallChainError) {
    return new CallChainError(
      `${what} was not sent ${there}: more asks wait for one another than \`callChain\` allows.`,
    );
  }
  if (error instanceof ReentrantAskError) {
    return new ReentrantAskError(`${what} was not sent ${there}: its container waits in the same chain of asks.`);
  }
  if (error instanceof ProtocolError) {
    return new ProtocolError(`${what} is not understood ${there}: use the same version of its service in both.`);
  }
  const isUnsent = error instanceof UnreachableError && error.isUnsent;
  return isUnsent
    ? new UnreachableError(`${what} was not sent: its container ${there} cannot be reached.`, { isUnsent })
    : new UnreachableError(`${what}: its container ${there} has ended, or cannot be reached.`);
}
