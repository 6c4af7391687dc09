import { Deferred } from '../../deferred.js';
import type { Scheduler } from '../../scheduler/index.js';

/** One who waits for room. */
export interface ReadyWaiter {
  resolve(): void;
  reject(error: Error): void;
}

/**
 * The callers of `ready()` of one target, woken in the order in which they came. The next one is woken after the event loop had its turn,
 * and only while there is room: if all were woken together, the first would take all the room each time. One that is woken and sends
 * nothing holds up nobody.
 */
export class ReadyQueue {
  /** In the order in which they came. */
  readonly #waiters = new Set<ReadyWaiter>();
  /** One was woken, and may be about to send. */
  #isWaking = false;
  #progressMs = Number.NEGATIVE_INFINITY;
  readonly #scheduler: Scheduler;
  readonly #hasRoom: () => boolean;

  constructor(scheduler: Scheduler, hasRoom: () => boolean) {
    this.#scheduler = scheduler;
    this.#hasRoom = hasRoom;
  }

  get size(): number {
    return this.#waiters.size;
  }

  /** Nobody waits, and the last one that was woken has had the time to send. */
  get isIdle(): boolean {
    return this.#waiters.size === 0 && !this.#isWaking;
  }

  add(waiter: ReadyWaiter): void {
    this.#waiters.add(waiter);
  }

  /** It waits no longer. */
  remove(waiter: ReadyWaiter): void {
    this.#waiters.delete(waiter);
  }

  /** Resolves when it is the turn of this caller and there is room; has no deadline. */
  wait(): Promise<void> {
    const waiter = new Deferred<void>();
    this.add(waiter);
    return waiter.promise;
  }

  /** What they wait for goes on, although it has no room yet. */
  progressed(): void {
    if (this.#waiters.size > 0) this.#progressMs = this.#scheduler.now();
  }

  /** Scheduler time of the last progress. */
  get progressMs(): number {
    return this.#progressMs;
  }

  /** There may be room now. */
  wake(): void {
    if (!this.#isWaking && this.#waiters.size > 0) this.#wakeNext();
  }

  /** `error` makes one for each of them. */
  reject(error: () => Error): void {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const waiter of waiters) waiter.reject(error());
  }

  #wakeNext(): void {
    this.#isWaking = false;
    const [next] = this.#waiters;
    if (next === undefined || !this.#hasRoom()) return;
    this.#waiters.delete(next);
    next.resolve();
    this.#isWaking = true;
    this.#scheduler.scheduleYield(() => this.#wakeNext());
  }
}
