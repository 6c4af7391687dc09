import { ProtocolError } from '../../errors.js';

/**
 * A set that is kept equal in many places by diffs with a nonce.
 *
 *     source  nonce 5 --{ base 3, nonce 5, changed, removed }--> listener at 3: applies, acknowledges 5
 *                     --{ base 5, nonce 6 ... }---------- lost
 *                     --{ base 6, nonce 7 ... }---------------> listener at 5: a gap; acknowledges 5
 *                     --{ base 5, nonce 7, changed, removed }-> applies, acknowledges 7
 *
 * The source remembers the last changes only; a listener that is further behind, or new, gets a snapshot. Both sides are pure
 * state: who carries the messages, and when they are repeated, is the caller's.
 */
export interface Diff<T> {
  readonly base: number;
  readonly nonce: number;
  readonly isSnapshot: boolean;
  readonly changed: readonly T[];
  readonly removed: readonly number[];
}

interface Change {
  readonly nonce: number;
  readonly id: number;
}

interface Listener {
  acknowledged: number | undefined;
}

/** Changes that a source remembers before a late listener needs a snapshot. */
const REMEMBERED_CHANGES = 1024;

export class ReplicaSource<T> {
  readonly #entries = new Map<number, T>();
  readonly #listeners = new Map<number, Listener>();
  #changes: Change[] = [];
  #fences: { readonly nonce: number; readonly passed: () => void }[] = [];
  #nonce = 0;
  /** Nonce after which every change is remembered. */
  #horizon = 0;

  get nonce(): number {
    return this.#nonce;
  }

  entries(): IterableIterator<T> {
    return this.#entries.values();
  }

  get(id: number): T | undefined {
    return this.#entries.get(id);
  }

  get size(): number {
    return this.#entries.size;
  }

  set(id: number, entry: T): void {
    this.#entries.set(id, entry);
    this.#record(id);
  }

  delete(id: number): boolean {
    if (!this.#entries.delete(id)) {
      return false;
    }
    this.#record(id);
    return true;
  }

  /** Makes all listeners come back for an update although no entry has changed. */
  touch(): void {
    this.#nonce++;
  }

  listen(listener: number): void {
    this.#listeners.set(listener, { acknowledged: undefined });
  }

  /** A listener that has ended holds no fence. */
  forget(listener: number): void {
    this.#listeners.delete(listener);
    this.#checkFences();
  }

  listeners(): IterableIterator<number> {
    return this.#listeners.keys();
  }

  /** What takes a listener from where it is to now; undefined when it is there already. */
  diffFor(listener: number): Diff<T> | undefined {
    const base = this.#listeners.get(listener)?.acknowledged;
    if (base === this.#nonce) {
      return undefined;
    }
    if (base === undefined || base < this.#horizon) {
      return { base: 0, nonce: this.#nonce, isSnapshot: true, changed: [...this.#entries.values()], removed: [] };
    }
    const ids = new Set(this.#changes.filter((change) => change.nonce > base).map((change) => change.id));
    const changed: T[] = [];
    const removed: number[] = [];
    for (const id of ids) {
      const entry = this.#entries.get(id);
      if (entry === undefined) {
        removed.push(id);
      } else {
        changed.push(entry);
      }
    }
    return { base, nonce: this.#nonce, isSnapshot: false, changed, removed };
  }

  /** The listener is at `nonce`. True when that is news: an older acknowledgement, overtaken by a newer one, is ignored. */
  acknowledge(listener: number, nonce: number): boolean {
    const known = this.#listeners.get(listener);
    if (known === undefined) {
      return false;
    }
    if (nonce > this.#nonce) {
      throw new ProtocolError(`A listener acknowledged nonce ${nonce}, but the last one is ${this.#nonce}.`);
    }
    if (known.acknowledged !== undefined && nonce <= known.acknowledged) {
      return false;
    }
    known.acknowledged = nonce;
    this.#checkFences();
    return true;
  }

  /** Calls `passed` once every listener has acknowledged all that is changed by now, or has ended. */
  fence(passed: () => void): void {
    this.#fences.push({ nonce: this.#nonce, passed });
    this.#checkFences();
  }

  #record(id: number): void {
    this.#nonce++;
    this.#changes.push({ nonce: this.#nonce, id });
    if (this.#changes.length > 2 * REMEMBERED_CHANGES) {
      this.#changes = this.#changes.slice(REMEMBERED_CHANGES);
      this.#horizon = (this.#changes[0]?.nonce ?? this.#nonce + 1) - 1;
    }
  }

  #checkFences(): void {
    if (this.#fences.length === 0) {
      return;
    }
    let lowest = Number.POSITIVE_INFINITY;
    for (const { acknowledged } of this.#listeners.values()) {
      lowest = Math.min(lowest, acknowledged ?? -1);
    }
    const open = this.#fences.filter((fence) => fence.nonce > lowest);
    const passed = this.#fences.filter((fence) => fence.nonce <= lowest);
    this.#fences = open;
    for (const fence of passed) {
      fence.passed();
    }
  }
}

/** The listener's side: where it is, and whether an update may be applied. At nonce 0 every set is empty. */
export class ReplicaMirror {
  #nonce = 0;

  get nonce(): number {
    return this.#nonce;
  }

  /**
   * `apply`: take it. `old`: it was applied before. `gap`: something between is missing; acknowledge the present nonce and the
   * source sends what is needed.
   */
  accept(diff: {
    readonly base: number;
    readonly nonce: number;
    readonly isSnapshot: boolean;
  }): 'apply' | 'old' | 'gap' {
    if (diff.nonce <= this.#nonce) {
      return 'old';
    }
    if (!diff.isSnapshot && diff.base > this.#nonce) {
      return 'gap';
    }
    this.#nonce = diff.nonce;
    return 'apply';
  }
}
