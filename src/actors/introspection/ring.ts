/** The last entries of a sequence, each with its number from 1. Where more come than it keeps, the oldest are lost, and counted. */
export class Ring<Entry> {
  readonly #kept: Entry[] = [];
  readonly #capacity: number;
  #count = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Number of the last entry; 0: there was none. */
  get last(): number {
    return this.#count;
  }

  /** `make` gets the number of the entry. */
  add(make: (number: number) => Entry): void {
    const index = this.#count % this.#capacity;
    this.#count++;
    this.#kept[index] = make(this.#count);
  }

  /** Entries after the one with this number, the oldest first, and the number of those that are lost. */
  after(number: number): { readonly entries: readonly Entry[]; readonly lost: number } {
    const first = Math.max(number, this.#count - this.#capacity);
    const entries: Entry[] = [];
    for (let each = first; each < this.#count; each++) {
      const entry = this.#kept[each % this.#capacity];
      if (entry !== undefined) entries.push(entry);
    }
    return { entries, lost: first - number };
  }
}
