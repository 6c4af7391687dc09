/** Blocks kept for use again, and the largest that is kept: fresh memory costs more than copying into it. */
const KEPT_BLOCKS = 4;
const LARGEST_KEPT_BYTES = 4 * 1024 * 1024;

/** Memory for frames that are too large for a slab. */
export class Blocks {
  readonly #kept: Uint8Array[] = [];

  /** At least `sizeBytes`, and not much more. */
  take(sizeBytes: number): Uint8Array {
    const index = this.#kept.findIndex(({ length }) => length >= sizeBytes && length <= sizeBytes * 2);
    const [kept] = index < 0 ? [] : this.#kept.splice(index, 1);
    // No Buffer: whose slice() would be no copy.
    return kept ?? new Uint8Array(Buffer.allocUnsafeSlow(sizeBytes).buffer);
  }

  /** The oldest makes room. */
  giveBack(block: Uint8Array): void {
    if (block.length > LARGEST_KEPT_BYTES) return;
    this.#kept.push(block);
    if (this.#kept.length > KEPT_BLOCKS) this.#kept.shift();
  }
}
