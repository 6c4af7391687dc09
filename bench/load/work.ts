import { setTimeout as sleep } from 'node:timers/promises';

/** Senders of one measurement. */
export const SENDERS = 8;
/** Time of one ask, in which the actor waits for something else, in ms. */
const ASK_MS = 5;
/** Time of one tell, in which the actor computes, in ms. */
const TELL_MS = 0.02;
/** Time between two looks at the memory of the process, in ms. */
const LOOK_MS = 20;

/** What a worker did between two looks, and how much memory its process had at most. */
export interface Done {
  readonly worked: number;
  readonly taken: readonly number[];
  readonly peakBytes: number;
}

/** The work of all peers, and its account. */
export class Work {
  #worked = 0;
  #taken = Array.from({ length: SENDERS }, () => 0);
  #peakBytes = 0;
  readonly #timer = setInterval(() => this.#look(), LOOK_MS);

  /** An ask. */
  async work(): Promise<void> {
    this.#worked += 1;
    await sleep(ASK_MS);
  }

  /** A tell. */
  take(sender: number): void {
    this.#taken[sender] = (this.#taken[sender] ?? 0) + 1;
    const endMs = performance.now() + TELL_MS;
    while (performance.now() < endMs);
  }

  /** Since the last call. */
  balance(): Done {
    this.#look();
    const done = { worked: this.#worked, taken: this.#taken, peakBytes: this.#peakBytes };
    this.#worked = 0;
    this.#taken = this.#taken.map(() => 0);
    this.#peakBytes = 0;
    return done;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    this.#peakBytes = Math.max(this.#peakBytes, process.memoryUsage.rss());
  }
}
