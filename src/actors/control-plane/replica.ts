import { ProtocolError } from '../../errors.js';
import { PersistentMap } from '../../persistent-map.js';

/**
 * Replicates a set to many listeners by diffs with a nonce.
 *
 *     source  nonce 5 --{ base 3, nonce 5, changed, removed }--> listener at 3: applies, acknowledges 5
 *                     --{ base 5, nonce 6 ... }---------- lost
 *                     --{ base 6, nonce 7 ... }---------------> listener at 5: a gap; acknowledges 5
 *                     --{ base 5, nonce 7, changed, removed }-> applies, acknowledges 7
 *
 * A diff that is too large for one update is sent in parts, oldest changes first, each up to the nonce of its last change. A new listener
 * gets a diff from nonce 0. The source remembers the last removals only. A listener that is further behind gets a snapshot; where updates have a
 * size limit, the caller has to make a new listener of it (`isBehind`). Both sides are pure state: the caller sends the messages, and decides
 * when to repeat them. A part costs as many steps as it has entries, whatever the size of the set.
 */
export interface Diff<T> {
  readonly base: number;
  readonly nonce: number;
  /** `changed` is the whole set: what it lacks was removed. Never true of one part of several. */
  readonly isSnapshot: boolean;
  readonly changed: readonly T[];
  readonly removed: readonly number[];
}

interface Listener {
  acknowledged: number | undefined;
  /** Nonce at which a new listener was first sent a part. Until it reaches that nonce, it needs all removals since. */
  startedAt: number | undefined;
}

/** The size limit of an update. */
export interface Part<T> {
  readonly bytes: number;
  sizeOf(entry: T): number;
}

/** Removals that a source remembers at least; it remembers as many as it has entries where these are more. */
const REMEMBERED_REMOVALS = 1024;

export class ReplicaSource<T> {
  readonly #part: Part<T> | undefined;
  readonly #entries = new Map<number, T>();
  /** Nonce of the last change of each entry, and of each removal that is remembered. */
  readonly #changedAt = new Map<number, number>();
  /** The same by nonce: ids, the oldest change first. */
  #changes = PersistentMap.empty<number, number>();
  /** Ids of the removals that are remembered, the oldest first. */
  readonly #removals = new Set<number>();
  readonly #listeners = new Map<number, Listener>();
  #fences: { readonly nonce: number; readonly passed: () => void }[] = [];
  #nonce = 0;
  /** Nonce after which every removal is remembered. */
  #horizon = 0;

  /** Without `part`, updates have no size limit. */
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
    this.#removals.delete(id);
    this.#record(id);
  }

  delete(id: number): boolean {
    if (!this.#entries.delete(id)) {
      return false;
    }
    this.#record(id);
    this.#removals.add(id);
    const [oldest] = this.#removals;
    if (oldest !== undefined && this.#removals.size > Math.max(REMEMBERED_REMOVALS, this.#entries.size)) {
      this.#forgetRemoval(oldest);
    }
    return true;
  }

  /** Makes every listener need an update although no entry has changed. */
  touch(): void {
    this.#nonce++;
  }

  listen(listener: number): void {
    this.#listeners.set(listener, { acknowledged: undefined, startedAt: undefined });
  }

  /** The listener begins anew at nonce 0. Fences wait on until it has what they were set for. */
  restart(listener: number): void {
    if (this.#listeners.has(listener)) this.listen(listener);
  }

  /** Removes a listener; fences do not wait for it any more. */
  forget(listener: number): void {
    this.#listeners.delete(listener);
    this.#checkFences();
  }

  listeners(): IterableIterator<number> {
    return this.#listeners.keys();
  }

  /** The listener needs removals that are not remembered any more. */
  isBehind(listener: number): boolean {
    const known = this.#listeners.get(listener);
    const from = known?.startedAt ?? known?.acknowledged;
    return from !== undefined && from < this.#horizon;
  }

  /** The diff, or the next part of it, from the listener's nonce to the present one; undefined when it is up to date. */
  diffFor(listener: number): Diff<T> | undefined {
    const known = this.#listeners.get(listener);
    const base = known?.acknowledged ?? 0;
    if (known?.acknowledged === this.#nonce) {
      return undefined;
    }
    if (known === undefined || this.isBehind(listener)) return this.#snapshot();
    // It may have applied a part whose acknowledgement is late or lost, so it may have more than it has acknowledged.
    if (base === 0) known.startedAt ??= this.#nonce;
    const part = this.#partAfter(base, known.startedAt ?? base);
    return { ...part, base, isSnapshot: base === 0 && part.nonce === this.#nonce };
  }

  /** The listener is at `nonce`. False for an old acknowledgement, which is ignored. */
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
    if (known.startedAt !== undefined && nonce >= known.startedAt) {
      known.startedAt = undefined;
    }
    this.#checkFences();
    return true;
  }

  /** Calls `passed` when every listener has acknowledged all present changes, or was removed. */
  fence(passed: () => void): void {
    this.#fences.push({ nonce: this.#nonce, passed });
    this.#checkFences();
  }

  #snapshot(): Diff<T> {
    return { base: 0, nonce: this.#nonce, isSnapshot: true, changed: [...this.#entries.values()], removed: [] };
  }

  /** The oldest changes after a nonce: as many as fit into an update, and at least one. Leaves out removals up to `startedAt`. */
  #partAfter(base: number, startedAt: number): Pick<Diff<T>, 'nonce' | 'changed' | 'removed'> {
    const changed: T[] = [];
    const removed: number[] = [];
    let [last, bytes] = [0, 0];
    for (const [nonce, id] of this.#changes.after(base)) {
      const entry = this.#entries.get(id);
      if (entry === undefined && nonce <= startedAt) continue;
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
    this.#changes = this.#changes.without(this.#changedAt.get(id) ?? 0).with(this.#nonce, id);
    this.#changedAt.set(id, this.#nonce);
  }

  #forgetRemoval(id: number): void {
    const nonce = this.#changedAt.get(id) ?? 0;
    this.#removals.delete(id);
    this.#changedAt.delete(id);
    this.#changes = this.#changes.without(nonce);
    this.#horizon = Math.max(this.#horizon, nonce);
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

/** The listener's side: knows its nonce, and whether an update may be applied. At nonce 0 every set is empty. */
export class ReplicaMirror {
  #nonce = 0;

  get nonce(): number {
    return this.#nonce;
  }

  /**
   * `apply`: the caller must apply it. `old`: it was applied before. `gap`: a change before it is missing; acknowledge the present
   * nonce, and the source sends what is needed.
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
