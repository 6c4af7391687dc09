import { deserialize, serialize } from 'node:v8';
import type { Codec, Sample } from './codec.js';

/** The structured clone of V8. It supports bytes and bigints. */
export function v8Codec({ value, to, method, meta }: Sample): Codec {
  const envelope = { to, method, value, meta };
  const bytes = serialize(envelope);
  return { encode: () => serialize(envelope).length, decode: () => (deserialize(bytes) as typeof envelope).value };
}
