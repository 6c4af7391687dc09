export interface Window {
  readonly items: number;
  readonly bytes: number;
}

/**
 * One reader's side of the way from one writer: what has arrived, in order and once, and what may be sent. Pure state.
 *
 * The window counts what was not yet read by the user: credit is given back when an element is read, in steps of a quarter
 * of the window, so that grants stay few.
 */
export class IncomingStream {
  /** Everything before this has arrived. */
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

  /** `next`: it is the element expected. `repeat`: it came before. `gap`: one before it was lost. */
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

  /** True for the first report of a gap: the writer needs to hear of it once, until something arrives again. */
  noteGap(): boolean {
    const isNew = !this.#isGapKnown;
    this.#isGapKnown = true;
    return isNew;
  }

  read(sizeBytes: number): void {
    this.#readItems++;
    this.#readBytes += sizeBytes;
  }

  /** Enough has been read since the last grant to be worth another. */
  get isGrantDue(): boolean {
    const items = this.#readItems + this.#window.items - this.#grantedItems;
    const bytes = this.#readBytes + this.#window.bytes - this.#grantedBytes;
    return items >= Math.max(1, this.#window.items >> 2) || bytes >= Math.max(1, this.#window.bytes >> 2);
  }

  /** Totals to grant now. */
  grant(): Window {
    this.#grantedItems = this.#readItems + this.#window.items;
    this.#grantedBytes = this.#readBytes + this.#window.bytes;
    return { items: this.#grantedItems, bytes: this.#grantedBytes };
  }
}
