/** Pauses in ms after starts that have failed: they double. */
const PAUSE = { minMs: 100, maxMs: 5_000 };
/** A container that ends within this time in ms counts as a start that has failed. */
export const EARLY_END_MS = 1_000;

/** When the next container of a pool may be started, and how long a start takes. */
export class StartBackOff {
  #failures = 0;
  #untilMs = 0;
  #startMs = 0;
  #lastError: Error | undefined;

  /** Time in ms until the next start may begin; 0: now. */
  remainingMs(nowMs: number): number {
    return Math.max(0, this.#untilMs - nowMs);
  }

  /** Measured time of a start in ms, of the recent ones; 0 before the first. */
  get startMs(): number {
    return this.#startMs;
  }

  /** Of the last start, where that has failed. */
  get lastError(): Error | undefined {
    return this.#lastError;
  }

  started(durationMs: number): void {
    this.#startMs = this.#startMs === 0 ? durationMs : 0.7 * this.#startMs + 0.3 * durationMs;
  }

  /** A container has handled a request: what failed before is over. */
  served(): void {
    this.#failures = 0;
    this.#lastError = undefined;
  }

  failed(nowMs: number, error: Error): void {
    this.#lastError = error;
    this.#untilMs = nowMs + Math.min(PAUSE.maxMs, PAUSE.minMs * 2 ** this.#failures);
    this.#failures = Math.min(this.#failures + 1, 10);
  }
}
