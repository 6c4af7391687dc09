const FEWEST_SLOTS = 64;
/** More are given back when nothing waits. */
const KEPT_SLOTS = 1_024;

/** What lies under a number knows it. */
export interface HasNumber {
  readonly correlation: number;
}

/**
 * What waits under numbers of 32 bits, never 0, given in turn. A Map would do, but for the garbage collector: a Map moves to a new table
 * while entries come and go, and a table that was taken for old before it was left keeps all that it held, and the tables after it, until
 * the next full collection. Of asks that was two in five. Here each number has its slot in one array.
 *
 *     slot = number & (slots - 1)       at most half of them are taken; a number whose slot is taken is passed over
 */
export class Numbered<T extends HasNumber> {
  #slots = emptySlots<T>(FEWEST_SLOTS);
  #last = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** A number under which nothing waits. It stays free until `add`. */
  nextNumber(): number {
    if (this.#size * 2 >= this.#slots.length) this.#resize(this.#slots.length * 2);
    let number = this.#last;
    do number = (number + 1) >>> 0 || 1;
    while (this.#slots[this.#slotOf(number)] !== undefined);
    this.#last = number;
    return number;
  }

  /** `item` has the last number that `nextNumber` gave. */
  add(item: T): void {
    this.#slots[this.#slotOf(item.correlation)] = item;
    this.#size += 1;
  }

  get(number: number): T | undefined {
    const item = this.#slots[this.#slotOf(number)];
    return item?.correlation === number ? item : undefined;
  }

  /** False when nothing waits under this number. */
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

  /** All that wait now. */
  values(): T[] {
    return this.#slots.filter((item) => item !== undefined);
  }

  #slotOf(number: number): number {
    return number & (this.#slots.length - 1);
  }

  /** What has a slot of its own has one among more, too. */
  #resize(count: number): void {
    const items = this.values();
    this.#slots = emptySlots(count);
    for (const item of items) this.#slots[this.#slotOf(item.correlation)] = item;
  }
}

function emptySlots<T>(count: number): (T | undefined)[] {
  return Array.from<undefined>({ length: count });
}
