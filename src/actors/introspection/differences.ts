/** Which rows of a list a watcher lacks: those that are new or have changed since it was asked before, and the keys of those that are gone. */
export class Differences<Key, Row extends object> {
  readonly #keyOf: (row: Row) => Key;
  #known = new Map<Key, Row>();

  constructor(keyOf: (row: Row) => Key) {
    this.#keyOf = keyOf;
  }

  /** The watcher has nothing. */
  forget(): void {
    this.#known = new Map();
  }

  /** `rows` are all that there are now. */
  since(rows: readonly Row[]): { readonly changed: readonly Row[]; readonly gone: readonly Key[] } {
    const before = this.#known;
    const now = new Map(rows.map((row) => [this.#keyOf(row), row]));
    this.#known = now;
    const changed = rows.filter((row) => !isSame(before.get(this.#keyOf(row)), row));
    return { changed, gone: [...before.keys()].filter((key) => !now.has(key)) };
  }
}

/** Fields are plain values. */
function isSame(before: object | undefined, now: object): boolean {
  if (before === undefined) return false;
  return Object.entries(now).every(([name, value]) => Reflect.get(before, name) === value);
}
