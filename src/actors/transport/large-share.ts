import { limits } from '../../limits.js';

/** Bytes that a receiver has of the pool, or is about to get. */
export interface Reservation {
  /** The bytes lie in the pool now: what it says is free does not contain them any more. */
  stored(): void;
  /** The receiver does not hold them any more. Does nothing the second time. */
  giveBack(): void;
}

/**
 * What the receivers over one link hold of the pool for large fields. A receiver that is slow or stopped may take a part of it only, whatever it is
 * sent:
 *
 *     a link       no more than the pool has left free: one link half of it, two a third each, and so on
 *     a receiver   no more than the rest of its link's part, and `receiverLargeBytes`
 *
 * A link or a receiver that holds nothing gets one message of any size. Bytes count from their reservation on, once, until they are given back.
 */
export class LargeShare {
  readonly #freed: () => void;
  readonly #held = new Map<unknown, number>();
  #total = 0;
  /** Of the total, what does not lie in the pool yet. */
  #unstored = 0;

  /** `freed` is called whenever a receiver has given something back. */
  constructor(freed: () => void) {
    this.#freed = freed;
  }

  /** Bytes that the receivers of this link hold, or are about to get. */
  get heldBytes(): number {
    return this.#total;
  }

  heldBy(receiver: unknown): number {
    return this.#held.get(receiver) ?? 0;
  }

  /** Undefined where the receiver may not get so many bytes now. `freeBytes`: what nobody has of the pool. */
  reserve(receiver: unknown, sizeBytes: number, freeBytes: number): Reservation | undefined {
    if (!this.#admits(receiver, sizeBytes, freeBytes - this.#unstored)) return undefined;
    this.#add(receiver, sizeBytes);
    this.#unstored += sizeBytes;
    let unstored = sizeBytes;
    let isHeld = true;
    const stored = (): void => {
      this.#unstored -= unstored;
      unstored = 0;
    };
    const giveBack = (): void => {
      if (!isHeld) return;
      isHeld = false;
      stored();
      this.#add(receiver, -sizeBytes);
      this.#freed();
    };
    return { stored, giveBack };
  }

  #admits(receiver: unknown, sizeBytes: number, freeBytes: number): boolean {
    if (this.#total === 0) return true;
    if (this.#total + sizeBytes > freeBytes - sizeBytes) return false;
    const held = this.heldBy(receiver);
    return held === 0 || held + sizeBytes <= Math.min(limits.receiverLargeBytes, freeBytes - this.#total);
  }

  #add(receiver: unknown, sizeBytes: number): void {
    this.#total += sizeBytes;
    const held = this.heldBy(receiver) + sizeBytes;
    if (held > 0) this.#held.set(receiver, held);
    else this.#held.delete(receiver);
  }
}
