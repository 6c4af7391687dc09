import { limits } from '../../limits.js';

/**
 * What the receivers over one link hold of the pool for large fields. A receiver that is slow or stopped may take a part of it only, whatever it is
 * sent:
 *
 *     a link       no more than the pool has left free: one link half of it, two a third each, and so on
 *     a receiver   no more than the rest of its link's part, and `receiverLargeBytes`
 *
 * A link or a receiver that holds nothing gets one message of any size.
 */
export class LargeShare {
  readonly #held = new Map<unknown, number>();
  #total = 0;

  /** Bytes that the receivers of this link hold. */
  get heldBytes(): number {
    return this.#total;
  }

  /** Whether a receiver may get a message of so many bytes. `freeBytes`: what nobody has of the pool. */
  admits(receiver: unknown, sizeBytes: number, freeBytes: number): boolean {
    if (this.#total === 0) return true;
    if (this.#total + sizeBytes > freeBytes) return false;
    const held = this.#held.get(receiver) ?? 0;
    return held === 0 || held + sizeBytes <= Math.min(limits.receiverLargeBytes, freeBytes - this.#total);
  }

  /** The receiver holds so many bytes more, until the returned function is called. It may be called again. */
  take(receiver: unknown, sizeBytes: number): () => void {
    let isHeld = true;
    this.#add(receiver, sizeBytes);
    return () => {
      if (isHeld) this.#add(receiver, -sizeBytes);
      isHeld = false;
    };
  }

  #add(receiver: unknown, sizeBytes: number): void {
    this.#total += sizeBytes;
    const held = (this.#held.get(receiver) ?? 0) + sizeBytes;
    if (held > 0) this.#held.set(receiver, held);
    else this.#held.delete(receiver);
  }
}
