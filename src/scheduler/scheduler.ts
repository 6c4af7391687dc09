/** A timer that has been set; give it to `clearTimer`. Opaque. */
export interface Timer {
  /** Scheduler time at which it fires, in ms. */
  readonly atMs: number;
}

/**
 * Time, timers, turns and randomness. All code in `src/` but the CLI uses them through this interface only. The real scheduler uses the event
 * loop. The virtual one runs the same program from a seed, and time moves only when nothing else can happen.
 */
export interface Scheduler {
  readonly isVirtual: boolean;
  /** Wall time when `now()` was 0, in ms since 1970; 0 where time is virtual. */
  readonly epochMs: number;
  /** Monotonic time in ms, fractional. Virtual time starts at 0. */
  now(): number;
  /** Calls `callback` once, at the first turn at or after `delayMs` from now; never before. */
  setTimer(delayMs: number, callback: () => void): Timer;
  /** A timer that has fired or been cleared already is ignored. */
  clearTimer(timer: Timer): void;
  /** Calls `turn` once, soon: after the code that runs now, before any timer. */
  schedule(turn: () => void): void;
  /** Calls `turn` once, after the event loop had its turn: I/O and timers go first. */
  scheduleYield(turn: () => void): void;
  /** A number in [0, 1). */
  random(): number;
  /** A stream of random numbers for one purpose. It depends on the seed and `name` only, and does not affect other streams. */
  fork(name: string): () => number;
  /**
   * Declares work whose completion comes from outside the program: files, sockets, user I/O. Virtual time stands still
   * until it is done; completions are delivered in the order in which they were declared, once nothing else can run.
   */
  outside<T>(work: Promise<T>): Promise<T>;
  /** Timers that are set and have neither fired nor been cleared. Tests use it to find leaks. */
  readonly pendingTimers: number;
}
