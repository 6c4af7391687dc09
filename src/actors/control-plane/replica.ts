import { ProtocolError } from '../../errors.js';

/**
 * A set that is kept equal in many places by diffs with a nonce.
 *
 *     source  nonce 5 --{ base 3, nonce 5, changed, removed }--> listener at 3: applies, acknowledges 5
 *                     --{ base 5, nonce 6 ... }---------- lost
 *                     --{ base 6, nonce 7 ... }---------------> listener at 5: a gap; acknowledges 5
 *                     --{ base 5, nonce 7, changed, removed }-> applies, acknowledges 7
 *
 * The source remembers the last changes only; a listener that is further behind, or new, gets a snapshot. What would be too large for
 * one update goes in parts, oldest changes first, each up to the nonce of its last change; the snapshot of one that fell behind does not.
 * Both sides are pure state: who carries the messages, and when they are repeated, is the caller's.
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
  /** Nonce at which a new listener was sent the first part; until it is there, removals since then are those that it needs. */
  beganAt: number | undefined;
}

/** How large an update may be. */
export interface Part<T> {
  readonly bytes: number;
  sizeOf(entry: T): number;
}

/** Changes that a source remembers before a late listener needs a snapshot. */
const REMEMBERED_CHANGES = 1024;

export class ReplicaSource<T> {
  readonly #part: Part<T> | undefined;
  readonly #entries = new Map<number, T>();
  /** Nonce of the last change of each entry. */
  readonly #changedAt = new Map<number, number>();
  readonly #listeners = new Map<number, Listener>();
  #changes: Change[] = [];
  #fences: { readonly nonce: number; readonly passed: () => void }[] = [];
  #nonce = 0;
  /** Nonce after which every change is remembered. */
  #horizon = 0;

  /** Without `part` every update is one. */
  constructor(part?: Part<T>) {
    this.#part = part;
  }

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
    this.#changedAt.delete(id);
    return true;
  }

  /** Makes all listeners come back for an update although no entry has changed. */
  touch(): void {
    this.#nonce++;
  }

  listen(listener: number): void {
    this.#listeners.set(listener, { acknowledged: undefined, beganAt: undefined });
  }

  /** A listener that has ended holds no fence. */
  forget(listener: number): void {
    this.#listeners.delete(listener);
    this.#checkFences();
  }

  listeners(): IterableIterator<number> {
    return this.#listeners.keys();
  }

  /** What takes a listener from where it is to now, or the next part of it; undefined when it is there already. */
  diffFor(listener: number): Diff<T> | undefined {
    const known = this.#listeners.get(listener);
    const base = known?.acknowledged;
    if (base === this.#nonce) {
      return undefined;
    }
    // At nonce 0 every mirror is empty, whoever has said so.
    if (known !== undefined && (base === undefined || base === 0)) {
      known.beganAt = this.#nonce;
      return { ...this.#partOf(this.#changedAt), base: 0, isSnapshot: true };
    }
    if (base === undefined || (known?.beganAt ?? base) < this.#horizon) {
      return { base: 0, nonce: this.#nonce, isSnapshot: true, changed: [...this.#entries.values()], removed: [] };
    }
    return { ...this.#partOf(this.#changesSince(base)), base, isSnapshot: false };
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
    if (known.beganAt !== undefined && nonce >= known.beganAt) {
      known.beganAt = undefined;
    }
    this.#checkFences();
    return true;
  }

  /** Calls `passed` once every listener has acknowledged all that is changed by now, or has ended. */
  fence(passed: () => void): void {
    this.#fences.push({ nonce: this.#nonce, passed });
    this.#checkFences();
  }

  /** Ids with the nonce of their last change, those removed among them. */
  #changesSince(base: number): ReadonlyMap<number, number> {
    const since = new Map<number, number>();
    if (base < this.#horizon) {
      for (const [id, nonce] of this.#changedAt) {
        if (nonce > base) {
          since.set(id, nonce);
        }
      }
    }
    for (const { id, nonce } of this.#changes) {
      if (nonce > base) {
        since.set(id, nonce);
      }
    }
    return since;
  }

  /** The oldest of these changes, as many as an update holds; one at least. */
  #partOf(changes: ReadonlyMap<number, number>): Pick<Diff<T>, 'nonce' | 'changed' | 'removed'> {
    const oldestFirst = [...changes].sort(([, left], [, right]) => left - right);
    const changed: T[] = [];
    const removed: number[] = [];
    let [last, bytes] = [0, 0];
    for (const [id, nonce] of oldestFirst) {
      const entry = this.#entries.get(id);
      bytes += entry === undefined ? 0 : (this.#part?.sizeOf(entry) ?? 0);
      if (last > 0 && this.#part !== undefined && bytes > this.#part.bytes) {
        return { nonce: last, changed, removed };
      }
      last = nonce;
      if (entry === undefined) {
        removed.push(id);
      } else {
        changed.push(entry);
      }
    }
    return { nonce: this.#nonce, changed, removed };
  }

  #record(id: number): void {
    this.#nonce++;
    this.#changes.push({ nonce: this.#nonce, id });
    this.#changedAt.set(id, this.#nonce);
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
