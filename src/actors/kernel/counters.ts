/** The counters of one system: what is there now, and what has failed since the start. */
export class Counters {
  #actors = 0;
  #streams = 0;
  #failures = 0;
  #restarts = 0;
  #awaited = 0;

  /** Actors that have not stopped. */
  get actors(): number {
    return this.#actors;
  }

  /** Streams that are read here, plus streams that are served here. */
  get streams(): number {
    return this.#streams;
  }

  get failures(): number {
    return this.#failures;
  }

  get restarts(): number {
    return this.#restarts;
  }

  /** Pending promises of handlers of users' actors, and pending deferred replies. */
  get awaited(): number {
    return this.#awaited;
  }

  actorStarted(): void {
    this.#actors++;
  }

  actorStopped(): void {
    this.#actors--;
  }

  streamOpened(): void {
    this.#streams++;
  }

  streamEnded(): void {
    this.#streams--;
  }

  failed(): void {
    this.#failures++;
  }

  restarted(): void {
    this.#restarts++;
  }

  /** A promise is pending, unless it `isOfRuntime`: what the runtime waits for is no work of users. */
  awaits({ isOfRuntime }: { readonly isOfRuntime: boolean }): void {
    if (!isOfRuntime) this.#awaited++;
  }

  /** A promise has settled that was counted by `awaits`. */
  settled({ isOfRuntime }: { readonly isOfRuntime: boolean }): void {
    if (!isOfRuntime) this.#awaited--;
  }
}
