/** How many requests all pools of a gateway pass on at a time. */
export class RequestBudget {
  readonly most: number;
  #taken = 0;

  constructor(most: number) {
    this.most = most;
  }

  /** False where it is spent. */
  tryTake(): boolean {
    if (this.#taken >= this.most) return false;
    this.#taken++;
    return true;
  }

  giveBack(): void {
    this.#taken--;
  }
}
