import {
  AskAbortedError,
  AskTimeoutError,
  BackpressureError,
  CircuitOpenError,
  HandlerError,
  StoppedError,
  UnreachableError,
} from '../../errors.js';

/**
 * What is known of an ask that has failed. `unsent`: no actor has handled it, and a later one may succeed. `unknown`: it may have been handled, and a later
 * one may succeed. `final`: an answer, a mistake of the caller, or its own wish; a later one fails as well.
 */
export type FailureKind = 'unsent' | 'unknown' | 'final';

export function kindOf(error: unknown): FailureKind {
  if (error instanceof BackpressureError || error instanceof CircuitOpenError) return 'unsent';
  if (error instanceof UnreachableError) return error.isUnsent ? 'unsent' : 'unknown';
  return isFailureOfActor(error) ? 'unknown' : 'final';
}

/** The actor, or the way to it, has failed. A refusal, a wrong request and the caller's own abort say nothing about either. */
export function isFailureOfActor(error: unknown): boolean {
  if (error instanceof AskAbortedError) return false;
  return FAILURES.some((each) => error instanceof each);
}

const FAILURES = [AskTimeoutError, BackpressureError, HandlerError, StoppedError, UnreachableError];

/** Time in ms after which the actor expects the same ask to succeed, where its error says so. */
export function retryAfterOf(error: unknown): number | undefined {
  if (error instanceof BackpressureError || error instanceof HandlerError) return error.retryAfterMs;
  return error instanceof CircuitOpenError ? error.retryAfterMs : undefined;
}
