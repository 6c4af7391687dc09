const SMALLEST = 16;
/** A ring that a burst has made larger than this is released when it is empty. */
const KEPT = 4_096;

/** A first-in first-out queue in a ring: adding and taking cost the same however long it is. */
export class TurnQueue {
  #turns: ((() => void) | undefined)[] = emptySlots(SMALLEST);
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(turn: () => void): void {
    if (this.#length === this.#turns.length) this.#grow();
    this.#turns[(this.#head + this.#length) & (this.#turns.length - 1)] = turn;
    this.#length += 1;
  }

  shift(): (() => void) | undefined {
    if (this.#length === 0) return undefined;
    const turn = this.#turns[this.#head];
    this.#turns[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#turns.length - 1);
    this.#length -= 1;
    if (this.#length === 0 && this.#turns.length > KEPT) this.clear();
    return turn;
  }

  clear(): void {
    this.#turns = emptySlots(SMALLEST);
    this.#head = 0;
    this.#length = 0;
  }

  #grow(): void {
    const size = this.#turns.length;
    this.#turns = [...this.#turns.slice(this.#head), ...this.#turns.slice(0, this.#head), ...emptySlots(size)];
    this.#head = 0;
  }
}

function emptySlots(count: number): undefined[] {
  return Array.from<undefined>({ length: count });
}
