import { limits } from '../../limits.js';

/** What memory is filled with once it is no longer the reader's or the writer's to use. */
const POISON = 0xdb;

/** Views begin inside their memory, as they do in a slab, so that code which forgets `byteOffset` fails here already. */
const OFFSET = 8;

/** Free buffers kept for use again. */
const KEPT_BUFFERS = 64;

export function poison(bytes: Uint8Array): void {
  bytes.fill(POISON);
}

/** A copy in memory of its own. */
export function copyOf(bytes: Uint8Array): Uint8Array {
  const copy = allocate(bytes.length);
  copy.set(bytes);
  return copy;
}

/** Transmit buffers of one network, shared by its links: an idle link holds none. */
export class TransmitBuffers {
  readonly #free: Uint8Array[] = [];

  /** A buffer of `sizeBytes`; one of an ordinary frame's size may have been used before. */
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
