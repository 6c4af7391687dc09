import type { Responsiveness } from '../partition-view.js';

/** Time between two looks, in ms: a partition reports once a second. */
export const LOOK_MS = 1_000;
/** Looks without a report after which the partition is busy. */
const BUSY_LOOKS = 2;
/** Looks that a segment may take to stop beyond the time that its code has to settle. */
const GRACE_LOOKS = 1;

export interface HangWatchOptions {
  /** Silence after which a partition is wedged, in ms. */
  readonly wedgedMs: number;
  /** Time that the code of a segment has to settle once it is told to stop, in ms. */
  readonly stopTimeoutMs: number;
}

/**
 * Whether a hosted partition reports, and whether segments that were told to stop wait for it. Time is counted in looks of the host, not read off
 * a clock: when the event loop of the host itself was late, the reports that came meanwhile are heard before the next look.
 */
export class HangWatch {
  readonly #options: HangWatchOptions;
  #silentLooks = 0;
  /** Segments, and placed actors by negative numbers or by texts, that were told to stop and are not gone, with the looks since. */
  readonly #stopping = new Map<number | string, number>();

  constructor(options: HangWatchOptions) {
    this.#options = options;
  }

  /** The partition begins anew, without segments. */
  begin(): void {
    this.#silentLooks = 0;
    this.#stopping.clear();
  }

  heard(): void {
    this.#silentLooks = 0;
  }

  look(): void {
    this.#silentLooks++;
    for (const [segment, looks] of this.#stopping) this.#stopping.set(segment, looks + 1);
  }

  stopping(segment: number | string): void {
    if (!this.#stopping.has(segment)) this.#stopping.set(segment, 0);
  }

  gone(segment: number | string): void {
    this.#stopping.delete(segment);
  }

  get silentMs(): number {
    return this.#silentLooks * LOOK_MS;
  }

  get state(): Responsiveness {
    if (this.#silentLooks < BUSY_LOOKS) return 'responsive';
    return this.silentMs < this.#options.wedgedMs ? 'busy' : 'wedged';
  }

  /** It does not answer, and a segment was to have stopped by now. */
  get isOverdue(): boolean {
    const allowed = Math.ceil(this.#options.stopTimeoutMs / LOOK_MS) + GRACE_LOOKS;
    return this.state !== 'responsive' && [...this.#stopping.values()].some((looks) => looks > allowed);
  }
}
