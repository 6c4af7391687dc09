/** The ids that were added last, on a link that may lose and double frames: the peer may still send messages about them. */
export class RecentIds {
  readonly #kept: number;
  readonly #ids = new Set<number>();

  /** Keeps so many ids. */
  constructor(kept: number) {
    this.#kept = kept;
  }

  has(id: number): boolean {
    return this.#ids.has(id);
  }

  /** False for an id that is known. */
  add(id: number): boolean {
    if (this.#ids.has(id)) return false;
    this.#ids.add(id);
    const [oldest] = this.#ids;
    if (oldest !== undefined && this.#ids.size > this.#kept) this.#ids.delete(oldest);
    return true;
  }

  clear(): void {
    this.#ids.clear();
  }
}
