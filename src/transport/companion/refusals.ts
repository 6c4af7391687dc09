import { limits } from '../../limits.js';
import type { Logger } from '../../logging/index.js';
import type { Scheduler } from '../../scheduler/index.js';

/** Counts connections that were turned away, and logs few of them: strangers must not fill the log. */
export class Refusals {
  readonly #scheduler: Scheduler;
  readonly #log: Logger;
  #count = 0;
  #unlogged = 0;
  #loggedMs = Number.NEGATIVE_INFINITY;

  constructor(scheduler: Scheduler, log: Logger) {
    this.#scheduler = scheduler;
    this.#log = log;
  }

  get count(): number {
    return this.#count;
  }

  add(from: string, why: string): void {
    this.#count += 1;
    const nowMs = this.#scheduler.now();
    if (nowMs - this.#loggedMs < limits.refusalLogMs) {
      this.#unlogged += 1;
      return;
    }
    this.#log.warn('a link was refused', { from, why, refusedSinceUnlogged: this.#unlogged });
    this.#unlogged = 0;
    this.#loggedMs = nowMs;
  }
}
