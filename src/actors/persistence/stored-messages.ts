import { ConfigError, ProtocolError } from '../../errors.js';
import { isRecord, shownValue } from '../../foreign.js';
import { decode, encode, type MessageType } from '../../protocol/index.js';

/** How a state is stored in a snapshot. */
export interface SnapshotCodec<State> {
  /** The value that the engine stores. LevelEngine stores what JSON can write. */
  encode(state: State): unknown;
  /** The state again. An error that it throws fails the actor with PersistenceError. */
  decode(data: unknown): State;
}

/**
 * Protobuf messages of one type as values that any engine can store, because JSON can write them:
 *
 *     { type: 'shop.AccountEvent', bytes: 'CgQIZBAB' }        // the encoded message as base64
 *
 * The type is stored with each message, so that an actor does not read the events of another kind of actor as its own.
 */
export function storedMessages<Message>(type: MessageType<Message, unknown>): SnapshotCodec<Message> {
  const { typeName } = type;
  return {
    encode: (message) => ({ type: typeName, bytes: Buffer.from(encode(type, message)).toString('base64') }),
    decode: (data) => decode(type, bytesOf(data, typeName)),
  };
}

function bytesOf(data: unknown, typeName: string): Uint8Array {
  if (!isRecord(data) || typeof data['type'] !== 'string' || typeof data['bytes'] !== 'string') {
    throw new ProtocolError(`it is no stored protobuf message, but ${shownValue(data)}`);
  }
  if (data['type'] !== typeName) {
    throw new ProtocolError(`it is a message of type ${data['type']}, and this actor reads ${typeName}`);
  }
  const bytes = Buffer.from(data['bytes'], 'base64');
  // Buffer skips what is no base64.
  if (bytes.toString('base64') !== data['bytes']) throw new ProtocolError('its bytes are damaged: they are no base64');
  return bytes;
}

/** The codec of the `snapshot` option. Throws ConfigError for another value. */
export function snapshotCodec(given: unknown): SnapshotCodec<unknown> {
  if (isMessageType(given)) return storedMessages(given);
  if (isCodec(given)) return given;
  throw new ConfigError(
    `snapshot must be the message type of the state, or have the functions encode and decode, not ${shownValue(given)}`,
  );
}

/** A message type of a generated module. */
export function isMessageType(value: unknown): value is MessageType<unknown, unknown> {
  return isRecord(value) && typeof value['typeName'] === 'string' && typeof value['read'] === 'function';
}

function isCodec(value: unknown): value is SnapshotCodec<unknown> {
  return isRecord(value) && typeof value['encode'] === 'function' && typeof value['decode'] === 'function';
}
