import { ProtocolError } from '../../errors.js';
import { isError, messageOf, shownValue } from '../../foreign.js';
import type { AnyMethod, MessageType } from '../../protocol/index.js';

// What user code gives as a message. What is no message must be refused: `create` would read it as an empty one.

type AnyMessageType = MessageType<unknown, unknown>;

/** Throws ProtocolError for a request that is no object. One that is left out is empty. */
export function checkRequest({ fullName, request }: AnyMethod, message: unknown): void {
  if (message === undefined || isMessage(message)) return;
  throw new ProtocolError(
    `${fullName} needs a message, an object with the fields of ${request.typeName}, not ${shownValue(message)}`,
  );
}

/** Element number `index` of a stream of requests, with its defaults. Throws ProtocolError when it is no message of its type. */
export function requestOf({ fullName, request }: AnyMethod, value: unknown, index: number): unknown {
  if (!isMessage(value)) {
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

/** The reply of a handler, or an element of its stream, with its defaults. Throws ProtocolError when it is no message. */
export function replyOf({ fullName, response }: AnyMethod, value: unknown): unknown {
  if (isMessage(value) || (value === undefined && isEmpty(response))) return response.create(value);
  throw new ProtocolError(
    `the handler of ${fullName} must reply with a message, an object with the fields of ${response.typeName}, not ${replyText(value)}`,
  );
}

function isMessage(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isError(value);
}

/** The message has no fields. */
function isEmpty(type: AnyMessageType): boolean {
  const empty = type.create({});
  return typeof empty === 'object' && empty !== null && Object.keys(empty).length === 0;
}

function replyText(value: unknown): string {
  if (value === undefined) return 'undefined. Return the reply';
  return isError(value) ? `${shownValue(value)}. Throw what is an error` : shownValue(value);
}
