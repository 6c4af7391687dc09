import {
  AskAbortedError,
  AskTimeoutError,
  BackpressureError,
  CallChainError,
  CircuitOpenError,
  HandlerError,
  type MillraceError,
  ReentrantAskError,
  Refusal,
  RefusedError,
  SourceError,
  StoppedError,
  UnreachableError,
} from '../../errors.js';
import { anyCodeOf, errorOf, isError, isRecord } from '../../foreign.js';
import { encodedDetail } from '../../protocol/index.js';

/**
 * What a handler throws that has passed its message on to another actor: its own caller gets the error of that call as it is. It is no failure of
 * the actor.
 */
export class PassedOn extends Error {
  readonly #error: MillraceError;

  constructor(error: MillraceError) {
    super(error.message, { cause: error });
    this.#error = error;
  }

  /** By the private field: what a handler throws may be a proxy, whose traps must not run. */
  static override [Symbol.hasInstance](value: unknown): value is PassedOn {
    return isRecord(value) && #error in value;
  }

  get error(): MillraceError {
    return this.#error;
  }
}

/**
 * The error that the caller gets for what a handler threw: RefusedError for a Refusal, that of a PassedOn, and otherwise a HandlerError with its name, message and
 * code, with `retryAfterMs` of a BackpressureError, also of one that other actors have passed on, and with what was thrown as `cause`, which
 * does not travel over links.
 */
export function answeredError(cause: unknown): MillraceError {
  if (cause instanceof PassedOn) return cause.error;
  if (!(cause instanceof Refusal)) return handlerError(cause);
  try {
    return new RefusedError(cause.message, { reason: cause.reason, detail: encodedDetail(cause), cause });
  } catch (error) {
    return handlerError(error);
  }
}

function handlerError(cause: unknown): HandlerError {
  const error = errorOf(cause);
  const isUnreadable = isError(cause) && error !== cause;
  return new HandlerError(error.message, {
    handlerName: isError(cause) ? error.name : undefined,
    handlerCode: anyCodeOf(error),
    retryAfterMs: retryAfterIn(error),
    cause: isUnreadable ? error : cause,
  });
}

function retryAfterIn(error: Error): number | undefined {
  if (error instanceof BackpressureError || error instanceof HandlerError) return error.retryAfterMs;
  return error instanceof CircuitOpenError ? error.retryAfterMs : undefined;
}

/**
 * The error of what a handler threw; undefined for what was passed on, and for a refusal, which is an answer, unless its detail could not be encoded. `answer` is what
 * the caller got, where one waits.
 */
export function failureIn(cause: unknown, answer: MillraceError | undefined): Error | undefined {
  if (cause instanceof PassedOn) return undefined;
  if (!(cause instanceof Refusal)) return errorOf(cause);
  return answer instanceof HandlerError ? errorOf(answer.cause) : undefined;
}

/** Another handler has failed with it, and so has the handler of that one's caller: both have logged it. */
export function isPassedOn(error: Error): boolean {
  return error instanceof HandlerError && error.handlerCode === 'HANDLER';
}

const OUTCOMES = [
  HandlerError,
  RefusedError,
  AskTimeoutError,
  AskAbortedError,
  BackpressureError,
  CallChainError,
  CircuitOpenError,
  StoppedError,
  UnreachableError,
  ReentrantAskError,
  SourceError,
];

/** An error with which a call of another actor ends. It says nothing about the state of the actor that made the call. */
export function isOutcomeOfCall(cause: unknown): boolean {
  return OUTCOMES.some((outcome) => cause instanceof outcome);
}
