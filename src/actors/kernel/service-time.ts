/** Messages in one window, and the longest time in ms that one window lasts. */
const WINDOW_MESSAGES = 16;
const WINDOW_MS = 1_000;
/** A time is forgotten when nothing was measured for this long, in ms, and for this many times its mean. */
const FORGOTTEN_MS = 1_000;
const FORGOTTEN_MEANS = 4;

/**
 * How long messages of one kind held their mailbox: mean and standard deviation of the last two windows. So one exceptional message is
 * forgotten after two windows, and a change is fully known after two.
 */
export class ServiceTime {
  #count = 0;
  #sumMs = 0;
  #squares = 0;
  #lastCount = 0;
  #lastSumMs = 0;
  #lastSquares = 0;
  #beganMs = Number.NEGATIVE_INFINITY;
  #measuredMs = Number.NEGATIVE_INFINITY;

  /** Adds `count` messages that took `totalMs` together. True when a window has ended, and the mean may be lower from now on. */
  add(totalMs: number, count: number, nowMs: number): boolean {
    const isNew = this.#count >= WINDOW_MESSAGES || nowMs - this.#beganMs > WINDOW_MS;
    if (isNew) this.#beginWindow(nowMs);
    this.#measuredMs = nowMs;
    this.#count += count;
    this.#sumMs += totalMs;
    this.#squares += (totalMs * totalMs) / count;
    return isNew;
  }

  /** Mean time of one message in ms; 0 when it is unknown. */
  meanMs(nowMs: number): number {
    const count = this.#count + this.#lastCount;
    if (count === 0) return 0;
    const meanMs = (this.#sumMs + this.#lastSumMs) / count;
    return nowMs - this.#measuredMs > FORGOTTEN_MS + FORGOTTEN_MEANS * meanMs ? 0 : meanMs;
  }

  /** Time in ms in which most messages of this kind are done: one standard deviation above the mean. 0 when it is unknown. */
  mostlyMs(nowMs: number): number {
    const meanMs = this.meanMs(nowMs);
    if (meanMs === 0) return 0;
    const variance = (this.#squares + this.#lastSquares) / (this.#count + this.#lastCount) - meanMs * meanMs;
    return meanMs + Math.sqrt(Math.max(0, variance));
  }

  #beginWindow(nowMs: number): void {
    this.#lastCount = this.#count;
    this.#lastSumMs = this.#sumMs;
    this.#lastSquares = this.#squares;
    this.#count = 0;
    this.#sumMs = 0;
    this.#squares = 0;
    this.#beganMs = nowMs;
  }
}
