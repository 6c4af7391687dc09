import {
  AskAbortedError,
  AskTimeoutError,
  BackpressureError,
  CallChainError,
  CapacityError,
  CircuitOpenError,
  ConfigError,
  ConsumedError,
  HandlerError,
  MillraceError,
  PipelineError,
  ProtocolError,
  ReentrantAskError,
  RefusedError,
  ResourceError,
  SourceError,
  StoppedError,
  UnreachableError,
} from '../../errors.js';
import { limits } from '../../limits.js';
import type { EnvelopeError } from '../envelope.js';
import { refusedDetail } from '../refused-detail.js';

type ErrorClass = new (message: string, options?: ErrorOptions) => MillraceError;

const CLASSES: ReadonlyMap<string, ErrorClass> = new Map<string, ErrorClass>([
  ['ASK_ABORTED', AskAbortedError],
  ['ASK_TIMEOUT', AskTimeoutError],
  ['BACKPRESSURE', BackpressureError],
  ['CALL_CHAIN', CallChainError],
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
};

const CODE_CHARACTERS = 128;
/** The field has 32 bits. */
const LONGEST_RETRY_MS = 2 ** 32 - 1;

/** An error as it is sent: code, message, and what the handler's error or refusal said, never the stack. */
export function toWire(error: MillraceError): EnvelopeError {
  const { code } = error;
  const message = shortened(error.message, limits.errorMessageCharacters);
  if (error instanceof BackpressureError || error instanceof CircuitOpenError)
    return { code, message, handlerCode: '', retryAfterMs: retryAfter(error) };
  if (error instanceof HandlerError) {
    const { handlerName, handlerCode } = error;
    return { code, message, ...thrownFields(handlerName, handlerCode), retryAfterMs: retryAfter(error) };
  }
  if (error instanceof UnreachableError && error.isUnsent) return { code, message, handlerCode: '', isUnsent: true };
  if (error instanceof SourceError) return { code, message, ...thrownFields(error.sourceName, error.sourceCode) };
  if (!(error instanceof RefusedError)) return { code, message, handlerCode: '' };
  const { reason, detail } = error;
  const sent = { code, message, handlerCode: '', reason: shortened(reason, limits.refusalReasonCharacters) };
  return detail === undefined ? sent : { ...sent, detailType: detail.typeName, detail: detail.bytes };
}

/** What is sent of an error that user code threw. */
function thrownFields(thrownName = '', code: string | number = ''): Omit<EnvelopeError, 'code' | 'message'> {
  const name = shortened(thrownName, CODE_CHARACTERS);
  return typeof code === 'number'
    ? { handlerName: name, handlerCode: '', handlerNumber: code }
    : { handlerName: name, handlerCode: shortened(code, CODE_CHARACTERS) };
}

/** The error that a FAILURE carries, as the class that its code names. */
export function fromWire(sent: EnvelopeError): MillraceError {
  const { code, message } = sent;
  if (code === 'HANDLER') return handlerErrorFrom(sent);
  if (code === 'SOURCE') return sourceErrorFrom(sent);
  if (code === 'BACKPRESSURE') return new BackpressureError(message, { retryAfterMs: sent.retryAfterMs });
  if (code === 'CIRCUIT_OPEN') return new CircuitOpenError(message, { retryAfterMs: sent.retryAfterMs ?? 0 });
  if (code === 'UNREACHABLE') return new UnreachableError(message, { isUnsent: sent.isUnsent === true });
  if (code === 'REFUSED') return refusedErrorFrom(sent);
  const Class = CLASSES.get(code);
  return Class === undefined ? new MillraceError(`${code}: ${message}`) : new Class(message);
}

/**
 * The same error for one more caller, who waits for the same link or port. Each has an error of its own, because its stack names the caller, who may
 * also change it. They share the cause.
 */
export function forCaller(error: MillraceError): MillraceError {
  const { message, cause } = error;
  const options = cause === undefined ? {} : { cause };
  if (error instanceof UnreachableError) {
    const { isRefused, isUnsent } = error;
    return new UnreachableError(message, { ...options, isRefused, isUnsent });
  }
  const own = fromWire(toWire(error));
  return Object.assign(own, options);
}

function handlerErrorFrom(sent: EnvelopeError): HandlerError {
  const { name: handlerName, code: handlerCode } = thrownIn(sent);
  const { retryAfterMs = 0 } = sent;
  return new HandlerError(sent.message, {
    handlerName,
    handlerCode,
    retryAfterMs: retryAfterMs === 0 ? undefined : retryAfterMs,
  });
}

function sourceErrorFrom(sent: EnvelopeError): SourceError {
  const { name: sourceName, code: sourceCode } = thrownIn(sent);
  return new SourceError(sent.message, { sourceName, sourceCode });
}

function thrownIn({ handlerName = '', handlerCode, handlerNumber }: EnvelopeError): {
  readonly name: string | undefined;
  readonly code: string | number | undefined;
} {
  return {
    name: handlerName === '' ? undefined : handlerName,
    code: handlerNumber ?? (handlerCode === '' ? undefined : handlerCode),
  };
}

function refusedErrorFrom({ message, reason = '', detailType = '', detail }: EnvelopeError): RefusedError {
  const bytes = detail ?? new Uint8Array(0);
  return new RefusedError(message, {
    reason,
    detail: detailType === '' ? undefined : refusedDetail(detailType, bytes),
  });
}

/**
 * For callers of a service whose handlers throw Millrace errors on purpose: turns a HandlerError into the error that the handler threw,
 * with the HandlerError as its `cause`. Returns any other error unchanged.
 */
export function thrownByHandler(error: unknown): unknown {
  if (!(error instanceof HandlerError) || typeof error.handlerCode !== 'string') {
    return error;
  }
  const { handlerCode, message, retryAfterMs } = error;
  if (handlerCode === 'BACKPRESSURE') return new BackpressureError(message, { cause: error, retryAfterMs });
  if (handlerCode === 'CIRCUIT_OPEN')
    return new CircuitOpenError(message, { cause: error, retryAfterMs: retryAfterMs ?? 0 });
  const Class = CLASSES.get(handlerCode);
  return Class === undefined ? error : new Class(message, { cause: error });
}

/** A user may have thrown one with any value. */
function retryAfter({ retryAfterMs = 0 }: BackpressureError | CircuitOpenError | HandlerError): number {
  return retryAfterMs > 0 ? Math.min(Math.ceil(retryAfterMs), LONGEST_RETRY_MS) : 0;
}

function shortened(text: string, characters: number): string {
  // Does not split a surrogate pair.
  return text.length <= characters ? text : `${text.slice(0, characters).replace(/[\uD800-\uDBFF]$/, '')} ...`;
}
