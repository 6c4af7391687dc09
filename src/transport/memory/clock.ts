import type { Scheduler, Timer } from '../../scheduler/index.js';

/** Something that will happen unless it is cancelled. */
export interface Wait {
  timer: Timer | undefined;
  isOver: boolean;
}

/** The turns and timers of one network, counted so that tests can see that none is left. */
export class Clock {
  readonly #scheduler: Scheduler;
  #pending = 0;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  /** Turns and timers to come. */
  get pending(): number {
    return this.#pending;
  }

  now(): number {
    return this.#scheduler.now();
  }

  /** Calls `turn` in a turn of its own, `delayMs` from now; without delay in the next one. */
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

  /** Undefined, and what is over already, are ignored. */
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
