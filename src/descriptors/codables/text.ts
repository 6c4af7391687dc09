import { ProtocolError } from '../../errors.js';
import { shownValue } from '../../foreign.js';
import type { Codable, DecodableStorage, EncodableStorage } from '../storage/index.js';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Text, as UTF-8. Lone surrogates become U+FFFD. */
export const textCodable: Codable<string> = {
  typeName: 'millrace.string',
  encode: writeText,
  decode: (storage) => textOf(storage, storage.bytes()),
};

/** Appends a text as one part. */
export async function writeText(text: string, storage: EncodableStorage): Promise<void> {
  if (typeof text !== 'string')
    throw new ProtocolError(`A value cannot be encoded as text: it is ${shownValue(text)}.`);
  const sizeBytes = Buffer.byteLength(text);
  encoder.encodeInto(text, await storage.reserve(sizeBytes));
  storage.countCopy(sizeBytes);
}

/** Throws ProtocolError for bytes that are no UTF-8. */
export function textOf(storage: DecodableStorage, bytes: Uint8Array): string {
  try {
    storage.countCopy(bytes.length);
    return decoder.decode(bytes);
  } catch (cause) {
    throw new ProtocolError(`${bytes.length} bytes of a text are not UTF-8.`, { cause });
  }
}
