/** The end of a runtime, as one partition's links see it: counts the tells that their peers do not take from then on. */
export class Departure {
  #hasBegun = false;
  #untakenTells = 0;

  begin(): void {
    this.#hasBegun = true;
  }

  /** Why a tell that a peer does not take is a dead letter. */
  get reason(): 'unreachable' | 'not taken' {
    return this.#hasBegun ? 'not taken' : 'unreachable';
  }

  /** Tells that became dead letters since `begin`, because their peers have not taken them. */
  get untakenTells(): number {
    return this.#untakenTells;
  }

  /** A tell that its peer has not taken has become a dead letter. */
  lost(): void {
    if (this.#hasBegun) this.#untakenTells++;
  }
}
