/** A map of the entries that were set last, in that order: past its limit the oldest is forgotten. */
export class RecentMap<Key, Value> extends Map<Key, Value> {
  readonly #limit: number;

  /** Keeps so many entries. */
  constructor(limit: number) {
    super();
    this.#limit = limit;
  }

  /** The entry is the newest, also where it was set before. */
  override set(key: Key, value: Value): this {
    this.delete(key);
    super.set(key, value);
    if (this.size > this.#limit) this.#forgetOldest();
    return this;
  }

  #forgetOldest(): void {
    for (const oldest of this.keys()) {
      this.delete(oldest);
      return;
    }
  }
}
