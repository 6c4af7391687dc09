import { limits } from '../../limits.js';

/** Fills memory that the reader or the writer must no longer use. */
const POISON = 0xdb;

/** Views start inside their ArrayBuffer, as they do in a slab: code that ignores `byteOffset` fails here too. */
const OFFSET = 8;

/** Most free buffers that are kept for reuse. */
const KEPT_BUFFERS = 64;

export function poison(bytes: Uint8Array): void {
  bytes.fill(POISON);
}

/** Copies bytes into new memory. */
export function copyOf(bytes: Uint8Array): Uint8Array {
  const copy = allocate(bytes.length);
  copy.set(bytes);
  return copy;
}

/** The transmit buffers that all links of one network share. An idle link holds none. */
export class BufferPool {
  readonly #free: Uint8Array[] = [];

  /** Returns a buffer of `sizeBytes`. Buffers of an ordinary frame's size are reused. */
  take(sizeBytes: number): Uint8Array {
    return (sizeBytes === limits.frameBytes ? this.#free.pop() : undefined) ?? allocate(sizeBytes);
  }

  giveBack(buffer: Uint8Array): void {
    if (buffer.length === limits.frameBytes && this.#free.length < KEPT_BUFFERS) this.#free.push(buffer);
  }
}

function allocate(sizeBytes: number): Uint8Array {
  return new Uint8Array(new ArrayBuffer(OFFSET + sizeBytes), OFFSET, sizeBytes);
}
