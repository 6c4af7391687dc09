const SHORTEST_MS = 0.01;
const LONGEST_MS = 0.25;
/** Growth factor. It is large, because a sleep that is too short costs both ends a wake-up. */
const GROWTH = 4;

/**
 * How long a thread polls an idle link before it sleeps. The time grows after a sleep shorter than the longest spin, and shrinks after
 * each spin without news. The length of the sleep decides, not of the spin before it: two ends that wait for each other both sleep for
 * two wake-ups, which is much longer than a short spin.
 */
export class Spin {
  #lengthMs = SHORTEST_MS;

  get lengthMs(): number {
    return this.#lengthMs;
  }

  /** The spin ended without news, and the thread sleeps. */
  expired(): void {
    this.#lengthMs = Math.max(SHORTEST_MS, this.#lengthMs / 2);
  }

  /** News has ended a sleep of `ms`. */
  slept(ms: number): void {
    if (ms < LONGEST_MS) this.#lengthMs = Math.min(LONGEST_MS, this.#lengthMs * GROWTH);
  }
}
