import { limits } from '../../limits.js';

/** On a link that may lose frames: bytes that arrive without a grant before the sender is told again. */
const REMINDER_BYTES = 256 * 1024;

/**
 * Bytes of tells that have arrived after their sender was told that it is metered, and were not granted. What a sender has under way when it
 * hears that is bounded by its link, its backlog and two messages that are larger; a sender that has sent more ignores what it was told.
 */
export class UngrantedBytes {
  readonly #bound: number;
  #bytes = 0;
  #remindAt = REMINDER_BYTES;

  constructor(maxMessageBytes: number) {
    this.#bound = limits.linkParkedBytes + 2 * maxMessageBytes;
  }

  get isPastBound(): boolean {
    return this.#bytes > this.#bound;
  }

  /** Returns true when so much has arrived that the sender may not have been told. */
  add(sizeBytes: number): boolean {
    this.#bytes += sizeBytes;
    if (this.#bytes < this.#remindAt) {
      return false;
    }
    this.#remindAt = this.#bytes + REMINDER_BYTES;
    return true;
  }

  /** No more than `bytes` are left. */
  lower(bytes: number): void {
    this.#bytes = Math.min(this.#bytes, bytes);
    this.#remindAt = Math.min(this.#remindAt, this.#bytes + REMINDER_BYTES);
  }
}
