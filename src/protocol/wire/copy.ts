/** Copies the region [start, end). The `slice` of a subclass may share memory, as that of Buffer does. */
export function copyOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  if (bytes.constructor === Uint8Array) return bytes.slice(start, end);
  const copy = new Uint8Array(end - start);
  copy.set(bytes.subarray(start, end));
  return copy;
}
