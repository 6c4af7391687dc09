/** A wait that is longer than this is not worth a spin. It must exceed the time of two wake-ups, about 0.2 ms on a virtual machine. */
const LONGEST_MS = 0.25;
/** A spin is this many times longer than the wait that it is to replace. */
const MARGIN = 4;
/** Shorter spins end at once. */
const SHORTEST_MS = 0.01;
/** Most sleeps between two attempts to spin. */
const MOST_PATIENCE = 1_024;
/** Growth of the patience at a spin in vain. It is large, because such a spin costs more than a spin in time saves. */
const GROWTH = 4;

/**
 * How long a thread polls an idle link before it sleeps: not at all, or longer than it takes to be woken.
 *
 *     sleeping --(news after a short sleep, and patience is over)--> spinning
 *     spinning --(no news in the spin, but after a short sleep)----> sleeping, with more patience
 *     spinning --(news in the spin)--------------------------------> spinning, with less patience
 *     spinning --(long sleep)--------------------------------------> spins half as long
 *
 * On a processor of its own a thread that spins gets news within the time that its sleeps take. If it does not, it keeps its peer from
 * running: the two share a processor, and the news comes only when the spin is over.
 */
export class Spin {
  #lengthMs = 0;
  /** Sleeps to wait after the next spin in vain. */
  #patience = 1;
  /** Short sleeps left before the next attempt to spin. */
  #sleepsLeft = 0;

  get lengthMs(): number {
    return this.#lengthMs;
  }

  /** News has come during a spin. */
  hit(): void {
    if (this.#lengthMs === 0) return;
    this.#patience = Math.max(1, this.#patience / 2);
  }

  /** News has ended a sleep of `ms`, which followed a spin of the whole length. */
  slept(ms: number): void {
    if (ms >= LONGEST_MS) this.#shorten();
    else if (this.#lengthMs > 0) this.#giveUp();
    else if (this.#sleepsLeft > 0) this.#sleepsLeft -= 1;
    else this.#lengthMs = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, ms * MARGIN));
  }

  #shorten(): void {
    const half = this.#lengthMs / 2;
    this.#lengthMs = half < SHORTEST_MS ? 0 : half;
  }

  #giveUp(): void {
    this.#lengthMs = 0;
    this.#sleepsLeft = this.#patience;
    this.#patience = Math.min(MOST_PATIENCE, this.#patience * GROWTH);
  }
}
