const SHORTEST_MS = 0.01;
const LONGEST_MS = 0.25;
/** It grows so many times at once: a sleep that is too short costs both ends a wake-up. */
const GROWTH = 4;

/**
 * How long a thread goes on looking, once nothing comes, before it sleeps. Longer after a sleep that the longest look would have outlasted,
 * shorter after a look in vain. It is the length of the sleep that counts, not of the look before it: two ends that wait for each other
 * both sleep for two wake-ups, which is many short looks.
 */
export class Spin {
  #lengthMs = SHORTEST_MS;

  get lengthMs(): number {
    return this.#lengthMs;
  }

  /** Nothing came, and the thread sleeps. */
  wasInVain(): void {
    this.#lengthMs = Math.max(SHORTEST_MS, this.#lengthMs / 2);
  }

  /** What comes has ended a sleep. */
  slept(ms: number): void {
    if (ms < LONGEST_MS) this.#lengthMs = Math.min(LONGEST_MS, this.#lengthMs * GROWTH);
  }
}
