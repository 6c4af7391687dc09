/** One piece of declared outside work and the promise that the program got for it. */
interface Entry {
  /** Settles the program's promise; undefined while the work itself is not done. */
  deliver: (() => void) | undefined;
}

/** Declared outside work, oldest first. Completions wait until the scheduler takes them. */
export class OutsideWork {
  readonly #entries: Entry[] = [];
  readonly #onSettled: () => void;

  /** Calls `onSettled` whenever some work is done. */
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
        // The work is settled. The program's promise takes its value or its error.
        entry.deliver = () => resolve(work);
        this.#onSettled();
      };
      work.then(settled, settled);
    });
  }

  /** The completion of the oldest work; undefined while that is pending, even if younger work is done. */
  takeOldest(): (() => void) | undefined {
    const deliver = this.#entries[0]?.deliver;
    if (deliver !== undefined) this.#entries.shift();
    return deliver;
  }

  /** Delivers all completions, oldest first, and skips work that is pending. */
  deliverSettled(): void {
    const settled = this.#entries.filter((entry) => entry.deliver !== undefined);
    const waiting = this.#entries.filter((entry) => entry.deliver === undefined);
    this.#entries.splice(0, this.#entries.length, ...waiting);
    for (const entry of settled) entry.deliver?.();
  }
}
