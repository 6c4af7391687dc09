/** The places of a gateway for requests: each that it passes on has one. */
export class Places {
  readonly most: number;
  #taken = 0;

  constructor(most: number) {
    this.most = most;
  }

  get isFull(): boolean {
    return this.#taken >= this.most;
  }

  take(): void {
    this.#taken++;
  }

  give(): void {
    this.#taken--;
  }
}
