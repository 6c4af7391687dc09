import type { Scheduler, Timer } from '../../scheduler/index.js';

/** A scheduled call that can be cancelled. */
export interface Wait {
  timer: Timer | undefined;
  isOver: boolean;
}

/** Schedules the turns and timers of one network, and counts them: tests check that none is left. */
export class Clock {
  readonly #scheduler: Scheduler;
  #pending = 0;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  /** Turns and timers that have not run. */
  get pending(): number {
    return this.#pending;
  }

  now(): number {
    return this.#scheduler.now();
  }

  /** Calls `turn` in its own turn, `delayMs` from now; in the next turn if `delayMs` is 0. */
  after(delayMs: number, turn: () => void): Wait {
    const wait: Wait = { timer: undefined, isOver: false };
    const run = (): void => {
      if (wait.isOver) return;
      this.#end(wait);
      turn();
    };
    this.#pending += 1;
    if (delayMs > 0) wait.timer = this.#scheduler.setTimer(delayMs, run);
    else this.#scheduler.schedule(run);
    return wait;
  }

  /** Ignores undefined and calls that have already run. */
  cancel(wait: Wait | undefined): void {
    if (wait === undefined || wait.isOver) return;
    if (wait.timer !== undefined) this.#scheduler.clearTimer(wait.timer);
    this.#end(wait);
  }

  #end(wait: Wait): void {
    wait.isOver = true;
    this.#pending -= 1;
  }
}
