/** Bytes kept for use again, and the largest block that is kept: fresh memory costs more than copying into it. */
const KEPT_BYTES = 8 * 1024 * 1024;
const LARGEST_KEPT_BYTES = 4 * 1024 * 1024;

/** Memory for frames that are too large for a slab. */
export class Blocks {
  readonly #kept: Uint8Array[] = [];
  #keptBytes = 0;

  /** At least `sizeBytes`, and not much more. The one used last, which the processor knows best. */
  take(sizeBytes: number): Uint8Array {
    const index = this.#kept.findLastIndex(({ length }) => length >= sizeBytes && length <= sizeBytes * 2);
    const [kept] = index < 0 ? [] : this.#kept.splice(index, 1);
    this.#keptBytes -= kept?.length ?? 0;
    // No Buffer: whose slice() would be no copy.
    return kept ?? new Uint8Array(Buffer.allocUnsafeSlow(sizeBytes).buffer);
  }

  /** The oldest make room. */
  giveBack(block: Uint8Array): void {
    if (block.length > LARGEST_KEPT_BYTES) return;
    this.#kept.push(block);
    this.#keptBytes += block.length;
    while (this.#keptBytes > KEPT_BYTES) this.#keptBytes -= this.#kept.shift()?.length ?? 0;
  }
}
