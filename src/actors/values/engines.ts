import { Deferred } from '../../deferred.js';
import { RingQueue } from '../../ring-queue.js';

/** What the network engines of a partition do. */
export interface EngineStatistics {
  /** Operations that may run at a time. */
  readonly engines: number;
  /** Operations that run now. */
  readonly running: number;
  /** Operations that wait for an engine. */
  readonly waiting: number;
  /** Operations that have begun, in all. */
  readonly begun: number;
}

/** Engines on one event loop: each has one operation at a time, which waits for a peer. The others wait in order. */
export class Engines {
  readonly #engines: number;
  readonly #waiting = new RingQueue<Deferred<void>>();
  #running = 0;
  #begun = 0;

  constructor(engines: number) {
    this.#engines = engines;
  }

  get statistics(): EngineStatistics {
    return { engines: this.#engines, running: this.#running, waiting: this.#waiting.size, begun: this.#begun };
  }

  /** Settles as the operation does. */
  async run<T>(operation: () => Promise<T>): Promise<T> {
    if (this.#running < this.#engines) this.#running += 1;
    else await this.#turn();
    this.#begun += 1;
    try {
      return await operation();
    } finally {
      // The engine goes on with the next one, which is counted as running already.
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next.resolve();
    }
  }

  #turn(): Promise<void> {
    const turn = new Deferred<void>();
    this.#waiting.push(turn);
    return turn.promise;
  }
}
