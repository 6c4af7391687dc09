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

/** What stands for the cause of a FAILURE that names none. */
export const NO_CAUSE: EnvelopeError = { code: 'MILLRACE', message: 'no cause given', handlerCode: '' };

/** Characters of an error's message that travel; the rest is cut off, so that a failure always fits into an envelope. */
const MESSAGE_CHARACTERS = 4_096;
const CODE_CHARACTERS = 128;

/** An error as it travels: code and message, never the stack. */
export function toWire(error: MillraceError): EnvelopeError {
  const handlerCode = error instanceof HandlerError ? (error.handlerCode ?? '') : '';
  return {
    code: error.code,
    message: shortened(error.message, MESSAGE_CHARACTERS),
    handlerCode: shortened(handlerCode, CODE_CHARACTERS),
  };
}

/** The error that a FAILURE carries, of the class that its code names. */
export function fromWire({ code, message, handlerCode }: EnvelopeError): MillraceError {
  if (code === 'HANDLER') {
    return new HandlerError(message, { handlerCode: handlerCode === '' ? undefined : handlerCode });
  }
  const Class = CLASSES.get(code);
  return Class === undefined ? new MillraceError(`${code}: ${message}`) : new Class(message);
}

/**
 * Errors of a service whose handlers throw errors of ours on purpose: a HandlerError becomes the error that the handler threw, with
 * the HandlerError as its `cause`. Anything else stays what it is.
 */
export function thrownByHandler(error: unknown): unknown {
  if (!(error instanceof HandlerError) || error.handlerCode === undefined) {
    return error;
  }
  const Class = CLASSES.get(error.handlerCode);
  return Class === undefined ? error : new Class(error.message, { cause: error });
}

function shortened(text: string, characters: number): string {
  // No pair of surrogates is torn apart.
  return text.length <= characters ? text : `${text.slice(0, characters).replace(/[\uD800-\uDBFF]$/, '')} ...`;
}
