/** Measurements in one window, and the longest time in ms that one window lasts. */
const WINDOW_MEASUREMENTS = 16;
const WINDOW_MS = 1_000;
/** A time is forgotten when nothing was measured for this long, in ms, and for this many times its mean. */
const FORGOTTEN_MS = 1_000;
const FORGOTTEN_MEANS = 4;

/** Measurements of up to 16 messages, or rows of messages. */
class Window {
  measurements = 0;
  count = 0;
  sumMs = 0;
  squares = 0;
  /** The two longest times of one message, and how many messages were measured together with the longest. */
  longestMs = 0;
  longestCount = 0;
  secondMs = 0;

  add(totalMs: number, count: number): void {
    const eachMs = totalMs / count;
    this.measurements++;
    this.count += count;
    this.sumMs += totalMs;
    this.squares += totalMs * eachMs;
    if (eachMs > this.longestMs) {
      this.secondMs = this.longestMs;
      this.longestMs = eachMs;
      this.longestCount = count;
    } else if (eachMs > this.secondMs) this.secondMs = eachMs;
  }
}

/**
 * How long messages of one kind held their mailbox: mean and standard deviation of the last two windows. The longest measurement counts as the
 * second longest: one exceptional message, or one in which the process did not run, says nothing about the next ones. So a time is
 * known from the second measurement on, and a change is fully known after two windows.
 */
export class ServiceTime {
  #now = new Window();
  #last = new Window();
  #beganMs = Number.NEGATIVE_INFINITY;
  #measuredMs = Number.NEGATIVE_INFINITY;

  /** Adds `count` messages that took `totalMs` together. True when a window has ended, and the mean may be lower from now on. */
  add(totalMs: number, count: number, nowMs: number): boolean {
    const isNew = this.#now.measurements >= WINDOW_MEASUREMENTS || nowMs - this.#beganMs > WINDOW_MS;
    if (isNew) {
      this.#last = this.#now;
      this.#now = new Window();
      this.#beganMs = nowMs;
    }
    this.#measuredMs = nowMs;
    this.#now.add(totalMs, count);
    return isNew;
  }

  /** Mean time of one message in ms; 0 when it is unknown. */
  meanMs(nowMs: number): number {
    const [now, last] = [this.#now, this.#last];
    if (now.measurements + last.measurements < 2) return 0;
    const excessMs = (this.#longest.longestMs - this.#secondMs) * this.#longest.longestCount;
    const meanMs = (now.sumMs + last.sumMs - excessMs) / (now.count + last.count);
    return nowMs - this.#measuredMs > FORGOTTEN_MS + FORGOTTEN_MEANS * meanMs ? 0 : meanMs;
  }

  /** Time in ms in which most messages of this kind are done: one standard deviation above the mean. 0 when it is unknown. */
  mostlyMs(nowMs: number): number {
    const meanMs = this.meanMs(nowMs);
    if (meanMs === 0) return 0;
    const { longestMs, longestCount } = this.#longest;
    const excess = (longestMs ** 2 - this.#secondMs ** 2) * longestCount;
    const squares = this.#now.squares + this.#last.squares - excess;
    return meanMs + Math.sqrt(Math.max(0, squares / (this.#now.count + this.#last.count) - meanMs * meanMs));
  }

  get #longest(): Window {
    return this.#now.longestMs >= this.#last.longestMs ? this.#now : this.#last;
  }

  /** The second longest time of one message in both windows. */
  get #secondMs(): number {
    const [now, last] = [this.#now, this.#last];
    return Math.max(Math.min(now.longestMs, last.longestMs), now.secondMs, last.secondMs);
  }
}
