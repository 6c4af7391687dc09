import { toWire } from '../actors/transport/index.js';
import { MillraceError } from '../errors.js';
import { messageOf } from '../foreign.js';
import { encode, type MessageType, type v1 } from '../protocol/index.js';

/** An error as it is recorded: as it would travel. */
export function errorRecord(error: unknown): v1.RecordedErrorInit {
  if (error instanceof MillraceError) return toWire(error);
  return { message: messageOf(error) };
}

/** What a handler returned, or what it failed with. A reply that does not fit its type is an error, as it will be for the asker. */
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

/** The bytes of a message. One that cannot be encoded, and so can never leave its partition, is empty. */
export function messageBytes(type: MessageType<unknown>, message: unknown): Uint8Array {
  const record = valueRecord(type, message);
  return record.case === 'value' ? record.value : new Uint8Array(0);
}
