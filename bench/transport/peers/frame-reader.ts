import type { Receive } from '../wire.js';

export const LENGTH_BYTES = 4;
const NOTHING = Buffer.alloc(0);

/** Finds messages in chunks of a byte stream. Each message follows its length. A message within one chunk is not copied. */
export class FrameReader {
  readonly #receive: Receive;
  /** The start of a message whose length has not arrived completely. */
  #head: Buffer = NOTHING;
  /** A message that spans chunks, and the number of its bytes so far. */
  #body: Buffer | undefined;
  #filled = 0;

  constructor(receive: Receive) {
    this.#receive = receive;
  }

  read(chunk: Buffer): void {
    let bytes = chunk;
    let at = 0;
    if (this.#body !== undefined) {
      at = this.#fill(this.#body, bytes, 0);
    } else if (this.#head.length > 0) {
      bytes = Buffer.concat([this.#head, chunk]);
      this.#head = NOTHING;
    }
    const end = bytes.length;
    while (end - at >= LENGTH_BYTES) {
      const length = lengthAt(bytes, at);
      at += LENGTH_BYTES;
      if (end - at < length) {
        this.#body = Buffer.allocUnsafeSlow(length);
        this.#filled = 0;
        at = this.#fill(this.#body, bytes, at);
        return;
      }
      this.#receive(bytes, at, length);
      at += length;
    }
    if (at < end) this.#head = Buffer.from(bytes.subarray(at));
  }

  #fill(body: Buffer, bytes: Buffer, at: number): number {
    const until = Math.min(bytes.length, at + body.length - this.#filled);
    bytes.copy(body, this.#filled, at, until);
    this.#filled += until - at;
    if (this.#filled === body.length) {
      this.#body = undefined;
      this.#receive(body, 0, body.length);
    }
    return until;
  }
}

export function lengthAt(bytes: Uint8Array, at: number): number {
  return (
    (byte(bytes, at) | (byte(bytes, at + 1) << 8) | (byte(bytes, at + 2) << 16) | (byte(bytes, at + 3) << 24)) >>> 0
  );
}

function byte(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0;
}

export function writeLength(bytes: Uint8Array, at: number, length: number): void {
  bytes[at] = length;
  bytes[at + 1] = length >>> 8;
  bytes[at + 2] = length >>> 16;
  bytes[at + 3] = length >>> 24;
}
