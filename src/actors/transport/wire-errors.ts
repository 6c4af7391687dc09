import {
  AskAbortedError,
  AskTimeoutError,
  BackpressureError,
  CapacityError,
  ConfigError,
  ConsumedError,
  HandlerError,
  MillraceError,
  PipelineError,
  ProtocolError,
  ReentrantAskError,
  ResourceError,
  StoppedError,
  UnreachableError,
} from '../../errors.js';
import type { EnvelopeError } from '../../protocol/index.js';

type ErrorClass = new (message: string, options?: ErrorOptions) => MillraceError;

const CLASSES: ReadonlyMap<string, ErrorClass> = new Map<string, ErrorClass>([
  ['ASK_ABORTED', AskAbortedError],
  ['ASK_TIMEOUT', AskTimeoutError],
  ['BACKPRESSURE', BackpressureError],
  ['CAPACITY', CapacityError],
  ['CONFIG', ConfigError],
  ['CONSUMED', ConsumedError],
  ['PIPELINE', PipelineError],
  ['PROTOCOL', ProtocolError],
  ['REENTRANT_ASK', ReentrantAskError],
  ['RESOURCE', ResourceError],
  ['STOPPED', StoppedError],
  ['UNREACHABLE', UnreachableError],
]);

/** The error of a FAILURE that carries none. */
export const NO_CAUSE: EnvelopeError = {
  code: 'MILLRACE',
  message: 'no cause given',
  handlerCode: '',
  retryAfterMs: 0,
};

/** Characters of an error's message that are sent; the rest is cut off, so that a failure always fits into an envelope. */
const MESSAGE_CHARACTERS = 4_096;
const CODE_CHARACTERS = 128;
/** The field has 32 bits. */
const LONGEST_RETRY_MS = 2 ** 32 - 1;

/** An error as it is sent: code and message, never the stack. */
export function toWire(error: MillraceError): EnvelopeError {
  const handlerCode = error instanceof HandlerError ? (error.handlerCode ?? '') : '';
  return {
    code: error.code,
    message: shortened(error.message, MESSAGE_CHARACTERS),
    handlerCode: shortened(handlerCode, CODE_CHARACTERS),
    retryAfterMs: error instanceof BackpressureError ? retryAfter(error) : 0,
  };
}

/** The error that a FAILURE carries, as the class that its code names. */
export function fromWire({ code, message, handlerCode, retryAfterMs }: EnvelopeError): MillraceError {
  if (code === 'HANDLER') {
    return new HandlerError(message, { handlerCode: handlerCode === '' ? undefined : handlerCode });
  }
  if (code === 'BACKPRESSURE' && retryAfterMs > 0) return new BackpressureError(message, { retryAfterMs });
  const Class = CLASSES.get(code);
  return Class === undefined ? new MillraceError(`${code}: ${message}`) : new Class(message);
}

/**
 * For callers of a service whose handlers throw Millrace errors on purpose: turns a HandlerError into the error that the handler threw,
 * with the HandlerError as its `cause`. Returns any other error unchanged.
 */
export function thrownByHandler(error: unknown): unknown {
  if (!(error instanceof HandlerError) || error.handlerCode === undefined) {
    return error;
  }
  const Class = CLASSES.get(error.handlerCode);
  return Class === undefined ? error : new Class(error.message, { cause: error });
}

/** A user may have thrown one with any value. */
function retryAfter({ retryAfterMs = 0 }: BackpressureError): number {
  return retryAfterMs > 0 ? Math.min(Math.ceil(retryAfterMs), LONGEST_RETRY_MS) : 0;
}

function shortened(text: string, characters: number): string {
  // Does not split a surrogate pair.
  return text.length <= characters ? text : `${text.slice(0, characters).replace(/[\uD800-\uDBFF]$/, '')} ...`;
}
