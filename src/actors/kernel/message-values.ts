import { ProtocolError, Refusal } from '../../errors.js';
import { isError, isPlainObject, messageOf, namedMessageOf, shownValue } from '../../foreign.js';
import type { AnyMethod } from '../../protocol/index.js';

// What user code gives as a message. What is no message must be refused: `create` would read it as an empty one.

/** Throws ProtocolError for a request that is no message. One that is left out is empty. */
export function checkRequest({ fullName, request }: Pick<AnyMethod, 'fullName' | 'request'>, message: unknown): void {
  if (message === undefined || isPlainObject(message)) return;
  throw new ProtocolError(
    `${fullName} needs a message, an object with the fields of ${request.typeName}, not ${shownValue(message)}`,
  );
}

/** Element number `index` of a stream of requests, with its defaults. Throws ProtocolError when it is no message of its type. */
export function requestOf({ fullName, request }: AnyMethod, value: unknown, index: number): unknown {
  if (!isPlainObject(value)) {
    throw new ProtocolError(
      `request ${index} of ${fullName} must be a message, an object with the fields of ${request.typeName}, not ${shownValue(value)}`,
    );
  }
  try {
    return request.create(value);
  } catch (cause) {
    throw new ProtocolError(`request ${index} of ${fullName}: ${messageOf(cause)}`, { cause });
  }
}

/** The reply of a handler, or an element of its stream, with its defaults. Throws ProtocolError when the value is no message. */
export function replyOf(method: AnyMethod, value: unknown): unknown {
  return method.response.create(replyToEncode(method, value));
}

/** As `replyOf`, without its defaults: the fields are checked, and filled in, as it is encoded. */
export function replyToEncode(method: AnyMethod, value: unknown): object {
  if (isPlainObject(value)) return value;
  if (value !== undefined) throw noMessage(method, value);
  const empty = method.response.create();
  // Nothing is a message where the type has no fields.
  if (typeof empty === 'object' && empty !== null && Object.keys(empty).length === 0) return empty;
  const { fullName, response } = method;
  throw new ProtocolError(
    `the handler of ${fullName} ${gave(method)} nothing, and ${response.typeName} has fields: ${verb(method)} an object with them, or {} for the defaults`,
  );
}

function noMessage(method: AnyMethod, value: unknown): ProtocolError {
  const what = `the handler of ${method.fullName} ${gave(method)}`;
  if (value instanceof Refusal) {
    return new ProtocolError(`${what} the Refusal ${value.reason}: throw it, then its caller gets a RefusedError`, {
      cause: value,
    });
  }
  if (isError(value)) {
    return new ProtocolError(`${what} an error, where it should throw it: ${namedMessageOf(value)}`, { cause: value });
  }
  return new ProtocolError(
    `${what} ${shownValue(value)}, which is no message: ${verb(method)} an object with the fields of ${method.response.typeName}`,
  );
}

function gave({ mode }: AnyMethod): string {
  return mode === 'stream' ? 'yielded' : 'returned';
}

function verb({ mode }: AnyMethod): string {
  return mode === 'stream' ? 'yield' : 'return';
}
