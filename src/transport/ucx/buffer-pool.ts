/** Most bytes that are kept for reuse, and the largest block that is kept. Fresh memory costs more than copying into it. */
const KEPT_BYTES = 8 * 1024 * 1024;
const LARGEST_KEPT_BYTES = 4 * 1024 * 1024;

/** Blocks of memory for frames that are too large for a slab. */
export class BufferPool {
  readonly #kept: Uint8Array[] = [];
  #keptBytes = 0;

  /** Returns a block of `sizeBytes` to twice that. Prefers the block used last: it is in the processor's cache. */
  take(sizeBytes: number): Uint8Array {
    const index = this.#kept.findLastIndex(({ length }) => length >= sizeBytes && length <= sizeBytes * 2);
    const [kept] = index < 0 ? [] : this.#kept.splice(index, 1);
    this.#keptBytes -= kept?.length ?? 0;
    // Not a Buffer: its `slice` does not copy.
    return kept ?? new Uint8Array(Buffer.allocUnsafeSlow(sizeBytes).buffer);
  }

  /** Keeps the block for reuse, and frees the oldest ones if there are too many. */
  giveBack(block: Uint8Array): void {
    if (block.length > LARGEST_KEPT_BYTES) return;
    this.#kept.push(block);
    this.#keptBytes += block.length;
    while (this.#keptBytes > KEPT_BYTES) this.#keptBytes -= this.#kept.shift()?.length ?? 0;
  }
}
