import { Deferred } from '../../deferred.js';
import { BackpressureError } from '../../errors.js';
import { limits } from '../../limits.js';
import type { Scheduler } from '../../scheduler/index.js';

/**
 * The tags of the requests that this process may have to repeat. The control plane remembers its replies to the last `controlPlaneRequests` tags,
 * so a request waits until its tag is less than that many above the lowest one that is pending.
 */
export class RequestTags {
  readonly #scheduler: Scheduler;
  /** In the order in which they were given: the first is the lowest. */
  readonly #pending = new Set<number>();
  readonly #waiting = new Set<Deferred<void>>();
  #last = 0;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  /** A tag that is not pending: of a request that does not overlap with others of its kind. */
  next(): number {
    return ++this.#last;
  }

  /** The tag of a request, which is pending until `done`. Rejects with BackpressureError when there is none at `deadlineMs`. */
  async take(deadlineMs: number): Promise<number> {
    while (this.#room <= 0) await this.#wait(deadlineMs);
    const tag = this.next();
    this.#pending.add(tag);
    return tag;
  }

  done(tag: number): void {
    this.#pending.delete(tag);
    let room = this.#room;
    for (const waiting of this.#waiting) {
      if (room-- <= 0) return;
      this.#waiting.delete(waiting);
      waiting.resolve();
    }
  }

  /** How many tags may be given now. */
  get #room(): number {
    const [lowest = this.#last + 1] = this.#pending;
    return lowest + limits.controlPlaneRequests - (this.#last + 1);
  }

  async #wait(deadlineMs: number): Promise<void> {
    const waiting = new Deferred<void>();
    const late = (): void => {
      this.#waiting.delete(waiting);
      waiting.reject(
        new BackpressureError(
          `${limits.controlPlaneRequests} requests of this process to the control plane have begun since one that is still pending (limit controlPlaneRequests): await some before you begin more.`,
        ),
      );
    };
    this.#waiting.add(waiting);
    const timer = this.#scheduler.setTimer(Math.max(0, deadlineMs - this.#scheduler.now()), late);
    try {
      await waiting.promise;
    } finally {
      this.#scheduler.clearTimer(timer);
    }
  }
}
