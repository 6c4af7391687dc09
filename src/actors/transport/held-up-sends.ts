import { limits } from '../../limits.js';
import type { Scheduler, Timer } from '../../scheduler/index.js';
import type { WaitingSend } from './waiting-sends.js';

/**
 * The first envelopes of those receivers whose large fields do not fit into the share of their link now. They are tried again when a receiver has freed
 * something. `late` is called with one that has waited for `allocateTimeoutMs`, and again after each further such time that it waits.
 */
export class HeldUpSends {
  readonly #scheduler: Scheduler;
  readonly #late: (first: WaitingSend) => void;
  readonly #first = new Map<unknown, WaitingSend>();
  /** When each of them is late, on the scheduler's clock, for as long as it waits. */
  readonly #lateAtMs = new WeakMap<WaitingSend, number>();
  #timer: Timer | undefined;

  constructor(scheduler: Scheduler, late: (first: WaitingSend) => void) {
    this.#scheduler = scheduler;
    this.#late = late;
  }

  get isEmpty(): boolean {
    return this.#first.size === 0;
  }

  add(first: WaitingSend): void {
    this.#first.set(first.key, first);
    if (!this.#lateAtMs.has(first)) this.#lateAtMs.set(first, this.#scheduler.now() + limits.allocateTimeoutMs);
    this.#timer ??= this.#scheduler.setTimer(limits.allocateTimeoutMs, () => this.#look());
  }

  delete(key: unknown): void {
    this.#first.delete(key);
  }

  /** Removes all of them, and returns their keys. */
  take(): readonly unknown[] {
    const keys = [...this.#first.keys()];
    this.#first.clear();
    return keys;
  }

  close(): void {
    this.#first.clear();
    if (this.#timer !== undefined) this.#scheduler.clearTimer(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    this.#timer = undefined;
    const nowMs = this.#scheduler.now();
    for (const first of this.#first.values()) {
      if ((this.#lateAtMs.get(first) ?? 0) > nowMs) continue;
      this.#lateAtMs.set(first, nowMs + limits.allocateTimeoutMs);
      this.#late(first);
    }
    const nextMs = Math.min(...[...this.#first.values()].map((first) => this.#lateAtMs.get(first) ?? 0));
    if (this.isEmpty) return;
    this.#timer ??= this.#scheduler.setTimer(Math.max(1, nextMs - nowMs), () => this.#look());
  }
}
