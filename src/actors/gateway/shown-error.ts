import {
  AskTimeoutError,
  BackpressureError,
  CapacityError,
  CircuitOpenError,
  HandlerError,
  type MillraceError,
  ProtocolError,
  RefusedError,
  StoppedError,
  UnreachableError,
} from '../../errors.js';
import type { CloseReason } from '../../protocol/client-wire/index.js';

/** A request that could not be decoded: its message names only what the client itself has sent. */
export class MalformedRequest extends ProtocolError {}

/**
 * What a client is told of an error: its class, so that it knows what to do, and the answer of a handler that has refused. Never messages of handlers, names of
 * actors and processes, or addresses, which are in the server's log.
 */
export function shownError(what: string, error: unknown): MillraceError {
  if (error instanceof RefusedError || error instanceof MalformedRequest) return error;
  if (error instanceof HandlerError) {
    return new HandlerError(`The handler of ${what} has failed.`, { retryAfterMs: error.retryAfterMs });
  }
  if (error instanceof AskTimeoutError) return new AskTimeoutError(`${what} had no reply in time.`);
  if (error instanceof BackpressureError || error instanceof CircuitOpenError) {
    const { retryAfterMs } = error;
    return new BackpressureError(`${what}: there is more to do than can be done. Try again later.`, { retryAfterMs });
  }
  if (error instanceof CapacityError) return new CapacityError(`${what}: there is no capacity left.`);
  if (error instanceof UnreachableError || error instanceof StoppedError) {
    return new UnreachableError(`${what}: the actor has ended, or cannot be reached.`);
  }
  return new HandlerError(`${what} has failed in the server.`);
}

/** The answer to a call that no rule allows. */
export function forbidden(what: string): RefusedError {
  return new RefusedError(`This client may not use ${what}.`, { reason: 'FORBIDDEN' });
}

/** What a stranger is told. The log has all of it. */
export function shownReason(reason: CloseReason, why: string): string {
  const isOfStranger = reason === 'unauthenticated' || reason === 'authenticationFailed';
  if (isOfStranger) return why.replace(/^its/, 'the').replace(/:.*$/s, '');
  // A close frame has room for 123 bytes.
  return why.replace(/[^\x20-\x7e]/g, '?').slice(0, 120);
}

/** A name of a stranger, for messages. */
export function shortened(name: string): string {
  return name.length <= 200 ? name : `${name.slice(0, 200)} ...`;
}
