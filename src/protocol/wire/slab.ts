import { keepHere } from './platform.js';
import { copyOf } from './copy.js';

/** Up to this size V8 keeps an array on its own heap, where it costs less than a region of a slab. */
const ON_HEAP_BYTES = 64;
const FIRST_BYTES = 4 * 1024;
const LARGEST_BYTES = 16 * 1024;
/** A slab lives as long as any copy in it, and what is left when the next does not fit is lost: so large copies stay apart. */
const LARGEST_COPY_BYTES = LARGEST_BYTES / 8;

/**
 * Memory for small copies, many in one ArrayBuffer: one for each costs several times as much as copying. The first is one of its own,
 * as who copies little has nothing to share. Nobody can transfer a slab to another thread, which would take all copies in it away.
 */
export class CopySlab {
  #slab: Uint8Array | undefined;
  #used = 0;
  #isFirst = true;

  /** The region [start, end) of `bytes` in memory that nothing else writes to. */
  copyOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
    const size = end - start;
    if (size <= ON_HEAP_BYTES || size > LARGEST_COPY_BYTES || this.#isFirst) {
      this.#isFirst = false;
      return copyOf(bytes, start, end);
    }
    const slab = this.#slab !== undefined && this.#used + size <= this.#slab.length ? this.#slab : this.#begin();
    const copy = slab.subarray(this.#used, this.#used + size);
    copy.set(bytes.subarray(start, end));
    // The next begins at a multiple of eight: it can be read as numbers of any size.
    this.#used = (this.#used + size + 7) & ~7;
    return copy;
  }

  #begin(): Uint8Array {
    const bytes = this.#slab === undefined ? FIRST_BYTES : Math.min(this.#slab.length * 2, LARGEST_BYTES);
    const slab = new Uint8Array(bytes);
    keepHere(slab.buffer);
    this.#slab = slab;
    this.#used = 0;
    return slab;
  }
}
