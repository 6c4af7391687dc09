import { toWire } from '../protocol/errors/index.js';
import { MillraceError } from '../errors.js';
import { messageOf } from '../foreign.js';
import { type AnyMethod, encode, type MessageType } from '../protocol/index.js';
import type { v1 } from '../protocol/on-demand/index.js';

/** Records an error in the form in which it would travel over a link. */
export function errorRecord(error: unknown): v1.RecordedErrorInit {
  if (error instanceof MillraceError) return toWire(error);
  return { message: messageOf(error) };
}

/** Records a value by its type. A value that the type cannot encode is recorded as an error: the caller would get that error too. */
export function valueRecord(
  type: MessageType<unknown>,
  value: unknown,
):
  | { readonly case: 'value'; readonly value: Uint8Array }
  | { readonly case: 'error'; readonly value: v1.RecordedErrorInit } {
  try {
    return { case: 'value', value: encode(type, type.create(value)) };
  } catch (error) {
    return { case: 'error', value: errorRecord(error) };
  }
}

/** The bytes of the message of a call; none where its requests are a stream. */
export function requestBytes(method: AnyMethod, message: unknown): Uint8Array {
  return method.streamsRequests === true ? new Uint8Array(0) : messageBytes(method.request, message);
}

/** Encodes a message. Empty for a message that cannot be encoded, which therefore cannot leave its partition. */
export function messageBytes(type: MessageType<unknown>, message: unknown): Uint8Array {
  const record = valueRecord(type, message);
  return record.case === 'value' ? record.value : new Uint8Array(0);
}
