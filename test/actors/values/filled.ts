/** True if each byte is `value`: the first one is, and each other equals the one before it. */
export function isFilled(bytes: Uint8Array, value: number | undefined): boolean {
  return bytes[0] === value && Buffer.compare(bytes.subarray(1), bytes.subarray(0, -1)) === 0;
}
