/** One piece of declared outside work and the promise that the program got for it. */
interface Entry {
  /** Settles the program's promise; undefined while the work itself is not done. */
  deliver: (() => void) | undefined;
}

/** Work that was declared as outside, oldest first. Its completions are kept back until the scheduler takes them. */
export class OutsideWork {
  readonly #entries: Entry[] = [];
  readonly #onSettled: () => void;

  /** `onSettled` is called whenever some work is done. */
  constructor(onSettled: () => void) {
    this.#onSettled = onSettled;
  }

  get pending(): number {
    return this.#entries.length;
  }

  add<T>(work: Promise<T>): Promise<T> {
    return new Promise<T>((resolve) => {
      const entry: Entry = { deliver: undefined };
      this.#entries.push(entry);
      const settled = (): void => {
        // By now it has an outcome, which the program's promise takes over, be it a value or an error.
        entry.deliver = () => resolve(work);
        this.#onSettled();
      };
      work.then(settled, settled);
    });
  }

  /** The completion of the oldest work, or undefined while that is not done, whatever younger work is. */
  takeOldest(): (() => void) | undefined {
    const deliver = this.#entries[0]?.deliver;
    if (deliver !== undefined) this.#entries.shift();
    return deliver;
  }

  /** Delivers whatever is done, in order of age, past work that is not. */
  deliverSettled(): void {
    const settled = this.#entries.filter((entry) => entry.deliver !== undefined);
    const waiting = this.#entries.filter((entry) => entry.deliver === undefined);
    this.#entries.splice(0, this.#entries.length, ...waiting);
    for (const entry of settled) entry.deliver?.();
  }
}
