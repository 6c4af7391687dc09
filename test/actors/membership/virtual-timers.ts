interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** Timers on a time that moves only by `pass`: a heap, for networks of a thousand members. */
export class VirtualTimers {
  readonly #heap: Timer[] = [];
  #count = 0;
  #nowMs = 0;

  get nowMs(): number {
    return this.#nowMs;
  }

  after(ms: number, run: () => void): void {
    const heap = this.#heap;
    let place = heap.push({ atMs: this.#nowMs + ms, order: this.#count++, run }) - 1;
    while (place > 0) {
      const above = (place - 1) >> 1;
      if (!isBefore(heap[place], heap[above])) break;
      swap(heap, place, above);
      place = above;
    }
  }

  /** Runs what is due in this time. */
  pass(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (let next = this.#heap[0]; next !== undefined && next.atMs <= endMs; next = this.#heap[0]) {
      this.#pop();
      this.#nowMs = next.atMs;
      next.run();
    }
    this.#nowMs = endMs;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    heap[0] = last;
    for (let place = 0; ; ) {
      const [left, right] = [2 * place + 1, 2 * place + 2];
      const lower = isBefore(heap[right], heap[left]) ? right : left;
      if (!isBefore(heap[lower], heap[place])) return;
      swap(heap, lower, place);
      place = lower;
    }
  }
}

function isBefore(one: Timer | undefined, other: Timer | undefined): boolean {
  if (one === undefined || other === undefined) return one !== undefined;
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order);
}

function swap<T>(list: T[], one: number, other: number): void {
  const [first, second] = [list[one], list[other]];
  if (first === undefined || second === undefined) return;
  [list[one], list[other]] = [second, first];
}
