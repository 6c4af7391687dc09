import { RingQueue } from '../../ring-queue.js';

export interface SentElement<T> {
  readonly value: T;
  readonly sizeBytes: number;
}

/**
 * The elements of a stream that were sent and have not arrived as far as the writer knows, to send them again on a link that may lose some.
 *
 *     sequence:   0 ........ first ........ sent
 *                   arrived |   kept here  |
 */
export class SentElements<T> {
  readonly #kept = new RingQueue<SentElement<T>>();
  #bytes = 0;
  #sent = 0;

  /** Bytes of the elements that are kept. */
  get bytes(): number {
    return this.#bytes;
  }

  /** An element was sent, which has the next sequence number. */
  keep(value: T, sizeBytes: number): void {
    this.#kept.push({ value, sizeBytes });
    this.#bytes += sizeBytes;
    this.#sent++;
  }

  /** The element that was kept last was not sent. */
  unkeep(): void {
    const last = this.#kept.pop();
    if (last === undefined) return;
    this.#bytes -= last.sizeBytes;
    this.#sent--;
  }

  /** All elements before sequence number `received` have arrived. Removes nothing when that is known already. */
  arrived(received: number): void {
    while (this.#kept.size > this.#sent - received) {
      const first = this.#kept.shift();
      if (first === undefined) return;
      this.#bytes -= first.sizeBytes;
    }
  }

  /** Keeps none of them any more. */
  forget(): void {
    this.#kept.clear();
    this.#bytes = 0;
  }

  /** With their sequence numbers, the oldest first. */
  *[Symbol.iterator](): IterableIterator<readonly [sequence: number, value: T]> {
    let sequence = this.#sent - this.#kept.size;
    for (const { value } of this.#kept) yield [sequence++, value];
  }
}
