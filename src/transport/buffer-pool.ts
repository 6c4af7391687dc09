/** Most bytes that are kept for reuse, and the largest buffer that is kept. Fresh memory costs more than copying into it. */
const KEPT_BYTES = 8 * 1024 * 1024;
const LARGEST_KEPT_BYTES = 4 * 1024 * 1024;

/** The memory for frames that all links of one transport share. An idle link holds none. */
export class BufferPool {
  readonly #allocate: (sizeBytes: number) => Uint8Array;
  readonly #kept: Uint8Array[] = [];
  #keptBytes = 0;
  #taken = 0;

  /** `allocate` makes a buffer of exactly this size. */
  constructor(allocate: (sizeBytes: number) => Uint8Array = unfilled) {
    this.#allocate = allocate;
  }

  /** Buffers in use. */
  get taken(): number {
    return this.#taken;
  }

  /** Returns a buffer of `sizeBytes` to twice that. Prefers the one used last: it is in the processor's cache. */
  take(sizeBytes: number): Uint8Array {
    this.#taken += 1;
    const kept = this.#kept;
    for (let index = kept.length - 1; index >= 0; index -= 1) {
      const buffer = kept[index];
      if (buffer === undefined || buffer.length < sizeBytes || buffer.length > sizeBytes * 2) continue;
      kept.splice(index, 1);
      this.#keptBytes -= buffer.length;
      return buffer;
    }
    return this.#allocate(sizeBytes);
  }

  /** Keeps the buffer for reuse, and frees the oldest ones if there are too many. It must be one that `take` has returned. */
  giveBack(buffer: Uint8Array): void {
    this.#taken -= 1;
    if (buffer.length > LARGEST_KEPT_BYTES) return;
    this.#kept.push(buffer);
    this.#keptBytes += buffer.length;
    while (this.#keptBytes > KEPT_BYTES) this.#keptBytes -= this.#kept.shift()?.length ?? 0;
  }

  /** Drops a buffer that somebody may still write into: it is never reused. */
  abandon(): void {
    this.#taken -= 1;
  }
}

/** Not a Buffer: its `slice` does not copy. */
function unfilled(sizeBytes: number): Uint8Array {
  return new Uint8Array(Buffer.allocUnsafeSlow(sizeBytes).buffer);
}
