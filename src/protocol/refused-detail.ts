/** The detail of a refusal: encoded when the handler refuses, so that the caller sees the same at every distance. */
import { ProtocolError, type Refusal, type RefusedDetail } from '../errors.js';
import { limits } from '../limits.js';
import { decode, encode } from './codec.js';

/** A detail that has arrived as bytes. */
export function refusedDetail(typeName: string, bytes: Uint8Array): RefusedDetail {
  return { typeName, bytes, as: (type) => (type.typeName === typeName ? decode(type, bytes) : undefined) };
}

/** The detail of a refusal; undefined when it has none. Throws ProtocolError when it cannot be sent. */
export function encodedDetail({ reason, detail }: Refusal): RefusedDetail | undefined {
  if (detail === undefined) return undefined;
  const { type, value } = detail;
  const bytes = encode(type, type.create(value));
  if (bytes.length <= limits.refusalDetailBytes) return refusedDetail(type.typeName, bytes);
  throw new ProtocolError(
    `the detail of the Refusal ${reason} takes ${bytes.length} bytes, more than ${limits.refusalDetailBytes} (refusalDetailBytes): send less of it`,
  );
}
