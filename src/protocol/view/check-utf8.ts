import { ProtocolError } from '../../errors.js';
import { isUtf8 } from '../wire/platform.js';
import type { WireReader } from '../wire/index.js';

/** Up to so many bytes a loop over ASCII is faster than the native check. */
const NATIVE_CHECK = 96;

/** Steps over a text. Throws ProtocolError where `reader.string()` does, and makes no string. */
export function checkUtf8(reader: WireReader): void {
  const start = reader.skipLength();
  const { bytes, position: end } = reader;
  if (end - start <= NATIVE_CHECK && isAscii(bytes, start, end)) return;
  if (!isUtf8(bytes.subarray(start, end))) throw new ProtocolError(`The string at offset ${start} is not valid UTF-8.`);
}

/** Eight at a time. */
function isAscii(bytes: Uint8Array, start: number, end: number): boolean {
  let all = 0;
  let at = start;
  for (; at + 8 <= end; at += 8) {
    all |=
      (bytes[at] as number) |
      (bytes[at + 1] as number) |
      (bytes[at + 2] as number) |
      (bytes[at + 3] as number) |
      (bytes[at + 4] as number) |
      (bytes[at + 5] as number) |
      (bytes[at + 6] as number) |
      (bytes[at + 7] as number);
  }
  for (; at < end; at++) all |= bytes[at] as number;
  return all < 128;
}
