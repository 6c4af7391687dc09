import { limits } from '../../limits.js';
import { type Scheduler, settledWithin } from '../../scheduler/index.js';

/** A link that may be under way. */
interface Opening {
  readonly isAwaited: boolean;
  opened(): Promise<void>;
}

/** The end of a runtime, as one partition's links see it: counts the tells that their peers do not take from then on. */
export class Departure {
  readonly #scheduler: Scheduler;
  #deadlineMs = Number.POSITIVE_INFINITY;
  #hasBegun = false;
  #untakenTells = 0;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  /** Resolves when the links with waiting tells are open, or cannot be opened, or `linkLingerMs` after the first call. */
  async opened(channels: Iterable<Opening>): Promise<void> {
    const awaited = [...channels].filter(({ isAwaited }) => isAwaited);
    if (awaited.length === 0) return;
    const nowMs = this.#scheduler.now();
    this.#deadlineMs = Math.min(this.#deadlineMs, nowMs + limits.linkLingerMs);
    const leftMs = Math.max(0, this.#deadlineMs - nowMs);
    await settledWithin(this.#scheduler, leftMs, Promise.allSettled(awaited.map((channel) => channel.opened())));
  }

  begin(): void {
    this.#hasBegun = true;
  }

  /** Why a tell that a peer does not take is a dead letter. */
  get reason(): 'unreachable' | 'not taken' {
    return this.#hasBegun ? 'not taken' : 'unreachable';
  }

  /** Tells that became dead letters since `begin`, because their peers have not taken them. */
  get untakenTells(): number {
    return this.#untakenTells;
  }

  /** A tell that its peer has not taken has become a dead letter. */
  lost(): void {
    if (this.#hasBegun) this.#untakenTells++;
  }
}
