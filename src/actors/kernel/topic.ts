import type { Logger } from '../../logging/index.js';

/** A source of events. */
export interface Subscribable<Event> {
  /** Calls `listener` for every event from now on; returns a function that unsubscribes it. */
  subscribe(listener: (event: Event) => void): () => void;
}

/** Publishes events to listeners. A listener that throws is logged, and does not affect the others. */
export class Topic<Event> implements Subscribable<Event> {
  readonly #listeners = new Set<{ readonly notify: (event: Event) => void }>();
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  get hasSubscribers(): boolean {
    return this.#listeners.size > 0;
  }

  subscribe(listener: (event: Event) => void): () => void {
    const entry = { notify: listener };
    this.#listeners.add(entry);
    return () => void this.#listeners.delete(entry);
  }

  publish(event: Event): void {
    for (const { notify } of this.#listeners) {
      try {
        notify(event);
      } catch (error) {
        this.#logger.error('a subscriber threw', { error });
      }
    }
  }
}
