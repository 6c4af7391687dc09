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
  /** All elements before this sequence number have arrived. */
  received = 0;
  isEnded = false;
  readonly #window: Window;
  #readItems = 0;
  #readBytes = 0;
  #grantedItems = 0;
  #grantedBytes = 0;
  #isGapKnown = false;

  constructor(window: Window) {
    this.#window = window;
  }

  /** `next`: the expected element. `repeat`: it has arrived before. `gap`: an element before it was lost. */
  arrive(sequence: number): 'next' | 'repeat' | 'gap' {
    if (sequence < this.received) {
      return 'repeat';
    }
    if (sequence > this.received) {
      return 'gap';
    }
    this.received++;
    this.#isGapKnown = false;
    return 'next';
  }

  /** Returns true for the first report of a gap. The writer gets one report until the next element arrives. */
  noteGap(): boolean {
    const isNew = !this.#isGapKnown;
    this.#isGapKnown = true;
    return isNew;
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
