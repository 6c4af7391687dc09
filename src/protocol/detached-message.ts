import { ProtocolError } from '../errors.js';
import { inType } from './codec.js';
import type { MessageType } from './service.js';
import { type AttachedFields, type DetachedField, DetachedFields, WireReader, WireWriter } from './wire/index.js';

const NO_BYTES = new Uint8Array(0);

/** A message without its large `bytes` fields, and these fields. */
export interface DetachedMessage {
  readonly encoded: Uint8Array;
  readonly fields: readonly DetachedField[];
}

/** Encodes a message, and leaves out its `bytes` fields of more than `aboveBytes`. Throws ProtocolError as `encode` does. */
export function detachFields<Read, Init>(
  type: MessageType<Read, Init>,
  message: Read | Init,
  aboveBytes: number,
): DetachedMessage {
  const writer = new WireWriter(NO_BYTES);
  writer.detached = new DetachedFields(aboveBytes);
  type.write(message, writer);
  const [encoded, detached] = [new Uint8Array(writer.size), new DetachedFields(aboveBytes)];
  writer.reset(encoded);
  writer.detached = detached;
  type.write(message, writer);
  if (writer.size !== encoded.length) throw new ProtocolError(`${type.typeName} has changed while it was encoded.`);
  return { encoded, fields: detached.list };
}

/** The message whose fields came beside it. Throws ProtocolError as `decode` does. */
export function attachFields<Read, Init>(
  type: MessageType<Read, Init>,
  encoded: Uint8Array,
  attached: AttachedFields,
): Read {
  try {
    const reader = new WireReader(encoded);
    reader.attached = attached;
    return type.read(reader, encoded.length);
  } catch (cause) {
    throw inType(type, 'cannot be decoded', cause);
  }
}
