/** A first-in first-out queue whose `shift` costs the same however long it is. */
export class TurnQueue {
  #turns: (() => void)[] = [];
  #head = 0;

  get length(): number {
    return this.#turns.length - this.#head;
  }

  push(turn: () => void): void {
    this.#turns.push(turn);
  }

  shift(): (() => void) | undefined {
    const turn = this.#turns[this.#head];
    if (turn === undefined) return undefined;
    this.#head += 1;
    if (this.#head === this.#turns.length) {
      this.#turns.length = 0;
      this.#head = 0;
    } else if (this.#head >= 1024 && this.#head * 2 >= this.#turns.length) {
      this.#turns = this.#turns.slice(this.#head);
      this.#head = 0;
    }
    return turn;
  }

  clear(): void {
    this.#turns = [];
    this.#head = 0;
  }
}
