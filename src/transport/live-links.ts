/** The links of a transport that have not ended. */
export class LiveLinks<Link> implements Iterable<Link> {
  readonly #links = new Set<Link>();
  readonly #waiting: (() => void)[] = [];

  get size(): number {
    return this.#links.size;
  }

  [Symbol.iterator](): IterableIterator<Link> {
    return this.#links.values();
  }

  add(link: Link): void {
    this.#links.add(link);
  }

  ended(link: Link): void {
    this.#links.delete(link);
    if (this.#links.size > 0) return;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Resolves when the last link has ended. */
  async allEnded(): Promise<void> {
    if (this.#links.size > 0) await new Promise<void>((resolve) => void this.#waiting.push(resolve));
  }
}
