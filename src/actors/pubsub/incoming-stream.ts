import { ElementOrder, type Place } from '../flow/index.js';

/** Most elements, and most bytes of them, that a writer may send before the user reads them. */
export interface Window {
  readonly items: number;
  readonly bytes: number;
}

/**
 * The state of a stream from one writer to this reader: the elements that have arrived, and the credit of the writer. It has no side
 * effects.
 *
 * The window counts the elements that the user has not read. Credit is returned after each quarter of the window was read, so that there
 * are few grants.
 */
export class IncomingStream {
  isEnded = false;
  readonly #order = new ElementOrder();
  readonly #window: Window;
  #readItems = 0;
  #readBytes = 0;
  #grantedItems = 0;
  #grantedBytes = 0;

  constructor(window: Window) {
    this.#window = window;
  }

  /** All elements before this sequence number have arrived. */
  get received(): number {
    return this.#order.received;
  }

  /** An element has arrived, and is accepted where it is the expected one. */
  arrive(sequence: number): Place {
    const place = this.#order.placeOf(sequence);
    if (place === 'next') this.#order.accept();
    return place;
  }

  /** As ElementOrder.noteGap. */
  noteGap(): boolean {
    return this.#order.noteGap();
  }

  read(sizeBytes: number): void {
    this.#readItems++;
    this.#readBytes += sizeBytes;
  }

  /** True if enough was read since the last grant for another one. */
  get isGrantDue(): boolean {
    const items = this.#readItems + this.#window.items - this.#grantedItems;
    const bytes = this.#readBytes + this.#window.bytes - this.#grantedBytes;
    return items >= Math.max(1, this.#window.items >> 2) || bytes >= Math.max(1, this.#window.bytes >> 2);
  }

  /** Returns the totals to grant now. */
  grant(): Window {
    this.#grantedItems = this.#readItems + this.#window.items;
    this.#grantedBytes = this.#readBytes + this.#window.bytes;
    return { items: this.#grantedItems, bytes: this.#grantedBytes };
  }
}
