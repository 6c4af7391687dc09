/** Totals since a stream began. */
export interface Totals {
  readonly items: number;
  readonly bytes: number;
}

/**
 * What the reader of a stream has granted to its writer, as totals that only grow: an old grant that arrives after a newer one changes
 * nothing, and the next grant repairs one that was lost. An element may be sent while any byte is granted. So the last one may exceed the
 * grant, and an element larger than the whole window can pass.
 */
export class CreditTotals {
  #items: number;
  #bytes: number;

  constructor({ items, bytes }: Totals = { items: 0, bytes: 0 }) {
    this.#items = items;
    this.#bytes = bytes;
  }

  get items(): number {
    return this.#items;
  }

  grant({ items, bytes }: Totals): void {
    this.#items = Math.max(this.#items, items);
    this.#bytes = Math.max(this.#bytes, bytes);
  }

  /** `sentBytes` were sent, and one more element may follow as far as bytes are concerned. */
  hasBytes(sentBytes: number): boolean {
    return sentBytes < this.#bytes;
  }

  /** One more element may be sent. */
  allows({ items, bytes }: Totals): boolean {
    return items < this.#items && this.hasBytes(bytes);
  }
}
