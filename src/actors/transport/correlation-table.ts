const FEWEST_SLOTS = 64;
/** A larger table shrinks when it becomes empty. */
const KEPT_SLOTS = 1_024;

/** An entry knows its own correlation number. */
export interface HasCorrelation {
  readonly correlation: number;
}

/**
 * Pending entries by correlation number: 32 bits, never 0, assigned in sequence. A Map would burden the garbage collector: it moves to
 * a new table as entries come and go, and an abandoned table in the old generation keeps its entries, and the tables after it, alive
 * until the next full collection. Two in five asks were kept that way. Here each number has a slot in one array.
 *
 *     slot = number & (slots - 1)       at most half of the slots are used; a number whose slot is used is skipped
 */
export class CorrelationTable<T extends HasCorrelation> {
  #slots = emptySlots<T>(FEWEST_SLOTS);
  #last = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** A number that no entry has. It stays free until `add`. */
  nextCorrelation(): number {
    if (this.#size * 2 >= this.#slots.length) this.#resize(this.#slots.length * 2);
    let number = this.#last;
    do number = (number + 1) >>> 0 || 1;
    while (this.#slots[this.#slotOf(number)] !== undefined);
    this.#last = number;
    return number;
  }

  /** `item` must have the number that `nextCorrelation` returned last. */
  add(item: T): void {
    this.#slots[this.#slotOf(item.correlation)] = item;
    this.#size += 1;
  }

  get(number: number): T | undefined {
    const item = this.#slots[this.#slotOf(number)];
    return item?.correlation === number ? item : undefined;
  }

  /** False when no entry has this number. */
  delete(number: number): boolean {
    if (this.get(number) === undefined) return false;
    this.#slots[this.#slotOf(number)] = undefined;
    this.#size -= 1;
    if (this.#size === 0 && this.#slots.length > KEPT_SLOTS) this.clear();
    return true;
  }

  clear(): void {
    this.#slots = emptySlots(FEWEST_SLOTS);
    this.#size = 0;
  }

  /** All entries. */
  values(): T[] {
    return this.#slots.filter((item) => item !== undefined);
  }

  #slotOf(number: number): number {
    return number & (this.#slots.length - 1);
  }

  /** Entries with different slots have different slots in a larger table, too. */
  #resize(count: number): void {
    const items = this.values();
    this.#slots = emptySlots(count);
    for (const item of items) this.#slots[this.#slotOf(item.correlation)] = item;
  }
}

function emptySlots<T>(count: number): (T | undefined)[] {
  return Array.from<undefined>({ length: count });
}
