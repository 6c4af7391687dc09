/**
 * Steps over fields of bytes that were checked before: nothing is checked again. Where the bytes have changed since, the positions may be any numbers, and the
 * reader that reads there refuses them.
 */

/** The key at a position. */
export function keyAt(bytes: Uint8Array, position: number): number {
  const first = bytes[position] ?? 0;
  if (first < 128) return first;
  let key = 0;
  for (let [at, shift] = [position, 0]; shift < 35; shift += 7) {
    const byte = bytes[at++] ?? 0;
    key |= (byte & 127) << shift;
    if (byte < 128) break;
  }
  return key >>> 0;
}

/** The position behind a varint. */
export function afterVarint(bytes: Uint8Array, position: number): number {
  let at = position;
  while ((bytes[at] ?? 0) > 127) at += 1;
  return at + 1;
}

/** The position behind a length and as many bytes. */
export function afterBytes(bytes: Uint8Array, position: number): number {
  const length = bytes[position] ?? 0;
  return length < 128 ? position + 1 + length : afterVarint(bytes, position) + keyAt(bytes, position);
}

/** The position behind the value of a field that nobody knows. */
export function afterValue(bytes: Uint8Array, position: number, key: number): number {
  switch (key & 7) {
    case 0:
      return afterVarint(bytes, position);
    case 1:
      return position + 8;
    case 2:
      return afterBytes(bytes, position);
    case 5:
      return position + 4;
    default:
      return afterGroup(bytes, position, key);
  }
}

function afterGroup(bytes: Uint8Array, position: number, group: number): number {
  let at = position;
  while (at < bytes.length) {
    const key = keyAt(bytes, at);
    at = afterVarint(bytes, at);
    if (key === group + 1) break;
    at = afterValue(bytes, at, key);
  }
  return at;
}
