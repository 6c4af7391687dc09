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

const CLASSES = [
  AskAbortedError,
  AskTimeoutError,
  BackpressureError,
  CapacityError,
  ConfigError,
  ConsumedError,
  PipelineError,
  ProtocolError,
  ReentrantAskError,
  ResourceError,
  StoppedError,
  UnreachableError,
];

/** An error as it travels: code and message, never the stack. */
export function toWire(error: MillraceError): EnvelopeError {
  const handlerCode = error instanceof HandlerError ? (error.handlerCode ?? '') : '';
  return { code: error.code, message: error.message, handlerCode };
}

/** The error that a FAILURE carries, of the class that its code names. */
export function fromWire({ code, message, handlerCode }: EnvelopeError): MillraceError {
  if (code === 'HANDLER') {
    return new HandlerError(message, { handlerCode: handlerCode === '' ? undefined : handlerCode });
  }
  for (const Class of CLASSES) {
    const error = new Class(message);
    if (error.code === code) {
      return error;
    }
  }
  return new MillraceError(`${code}: ${message}`);
}
