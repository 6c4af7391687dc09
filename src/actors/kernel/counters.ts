/** The counters of one system: what is there now, and what has failed since the start. */
export class Counters {
  #actors = 0;
  #streams = 0;
  /** Of those, the ones that are served here to a reader of this process. */
  #innerStreams = 0;
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

  /** As `streams`, where one that is served to a reader of this process counts only where it is read. */
  get distinctStreams(): number {
    return this.#streams - this.#innerStreams;
  }

  /** A stream is read here. */
  streamOpened(): void {
    this.#streams++;
  }

  streamEnded(): void {
    this.#streams--;
  }

  /** A stream is served here. */
  streamServed({ isReadHere }: { readonly isReadHere: boolean }): void {
    this.#streams++;
    if (isReadHere) this.#innerStreams++;
  }

  streamClosed({ isReadHere }: { readonly isReadHere: boolean }): void {
    this.#streams--;
    if (isReadHere) this.#innerStreams--;
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
