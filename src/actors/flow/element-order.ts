/** Where an element belongs: it is the expected one, has arrived before, or comes after one that was lost. */
export type Place = 'next' | 'repeat' | 'gap';

/** The reader's side of the order of a stream. Each element is accepted once, in the order of its sequence number. */
export class ElementOrder {
  #received = 0;
  #isGapKnown = false;

  /** All elements before this sequence number have arrived. */
  get received(): number {
    return this.#received;
  }

  placeOf(sequence: number): Place {
    if (sequence < this.#received) return 'repeat';
    if (sequence > this.#received) return 'gap';
    return 'next';
  }

  /** The expected element has arrived. */
  accept(): void {
    this.#received++;
    this.#isGapKnown = false;
  }

  /** True for the first report of a gap. The writer gets one report until the next element arrives. */
  noteGap(): boolean {
    const isNew = !this.#isGapKnown;
    this.#isGapKnown = true;
    return isNew;
  }
}
