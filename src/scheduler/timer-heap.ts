import type { Timer } from './scheduler.js';

/** A timer of the virtual scheduler: a node of the heap with its position, so that it can be removed. */
export class HeapTimer implements Timer {
  readonly atMs: number;
  /** Number of timers set before this one: of those that fire at the same time, the first set fires first. */
  readonly order: number;
  readonly callback: () => void;
  /** Position in the heap; -1 outside it. */
  place = -1;

  constructor(atMs: number, order: number, callback: () => void) {
    this.atMs = atMs;
    this.order = order;
    this.callback = callback;
  }
}

/** A binary heap of timers, the next to fire on top. Setting, clearing and taking cost the logarithm of their number. */
export class TimerHeap {
  readonly #timers: HeapTimer[] = [];

  get size(): number {
    return this.#timers.length;
  }

  get next(): HeapTimer | undefined {
    return this.#timers[0];
  }

  add(timer: HeapTimer): void {
    this.#timers.push(timer);
    this.#rise(timer, this.#timers.length - 1);
  }

  /** A timer that is not in the heap is ignored. */
  remove(timer: HeapTimer): void {
    const place = timer.place;
    if (this.#timers[place] !== timer) return;
    const last = this.#timers.pop();
    timer.place = -1;
    if (last === undefined || last === timer) return;
    this.#rise(last, place);
    this.#sink(last, last.place);
  }

  clear(): void {
    for (const timer of this.#timers) timer.place = -1;
    this.#timers.length = 0;
  }

  #rise(timer: HeapTimer, from: number): void {
    let place = from;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = this.#timers[above];
      if (parent === undefined || isBefore(parent, timer)) break;
      this.#put(parent, place);
      place = above;
    }
    this.#put(timer, place);
  }

  #sink(timer: HeapTimer, from: number): void {
    let place = from;
    for (;;) {
      const left = place * 2 + 1;
      let child = this.#timers[left];
      let below = left;
      const right = this.#timers[left + 1];
      if (child !== undefined && right !== undefined && isBefore(right, child)) {
        child = right;
        below = left + 1;
      }
      if (child === undefined || isBefore(timer, child)) break;
      this.#put(child, place);
      place = below;
    }
    this.#put(timer, place);
  }

  #put(timer: HeapTimer, place: number): void {
    this.#timers[place] = timer;
    timer.place = place;
  }
}

function isBefore(one: HeapTimer, other: HeapTimer): boolean {
  return one.atMs === other.atMs ? one.order < other.order : one.atMs < other.atMs;
}
