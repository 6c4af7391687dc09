import { limits } from '../../limits.js';
import type { Logger } from '../../logging/index.js';
import type { Scheduler } from '../../scheduler/index.js';

/** Counts what strangers were refused. Logs at most one per `rejectionLogMs`: they must not fill the log. */
export class RejectedPeers {
  readonly #scheduler: Scheduler;
  readonly #log: Logger;
  readonly #message: string;
  #count = 0;
  #unlogged = 0;
  #loggedMs = Number.NEGATIVE_INFINITY;

  constructor(scheduler: Scheduler, log: Logger, message = 'a connection was rejected') {
    this.#scheduler = scheduler;
    this.#log = log;
    this.#message = message;
  }

  get count(): number {
    return this.#count;
  }

  add(from: string, why: string): void {
    this.#count += 1;
    const nowMs = this.#scheduler.now();
    if (nowMs - this.#loggedMs < limits.rejectionLogMs) {
      this.#unlogged += 1;
      return;
    }
    this.#log.warn(this.#message, { from, why, rejectedSinceLastLog: this.#unlogged });
    this.#unlogged = 0;
    this.#loggedMs = nowMs;
  }
}
