import { decode, encodedSize, encodeInto, type MessageType } from '../../protocol/index.js';
import type { Codable } from '../storage/index.js';

/**
 * Messages of a protobuf type that `millrace gen` has generated. They are written straight into the storage. What is decoded shares no memory
 * with it. Encoding throws ProtocolError for a message with a wrong value, and names the field.
 *
 *     const trades = messageCodable(Trade);
 */
export function messageCodable<Read, Init>(type: MessageType<Read, Init>): Codable<Read> {
  return {
    typeName: type.typeName,
    encode: async (message, storage) => {
      const sizeBytes = encodedSize(type, message);
      encodeInto(type, message, await storage.reserve(sizeBytes));
      storage.countCopy(sizeBytes);
    },
    decode: (storage) => {
      storage.countCopy(storage.sizeBytes);
      return decode(type, storage.bytes());
    },
  };
}
