import type { Logger } from '../../logging/index.js';

/** Something to subscribe to. */
export interface Subscribable<Event> {
  /** Calls `listener` for every event from now on; returns what ends that. */
  subscribe(listener: (event: Event) => void): () => void;
}

/** Hands events to listeners. One that throws is logged and harms nobody else. */
export class Feed<Event> implements Subscribable<Event> {
  private readonly listeners = new Set<{ readonly notify: (event: Event) => void }>();
  private readonly logger: Logger;

  constructor(logger: Logger) {
    this.logger = logger;
  }

  get isWatched(): boolean {
    return this.listeners.size > 0;
  }

  subscribe(listener: (event: Event) => void): () => void {
    const entry = { notify: listener };
    this.listeners.add(entry);
    return () => void this.listeners.delete(entry);
  }

  publish(event: Event): void {
    for (const { notify } of this.listeners) {
      try {
        notify(event);
      } catch (error) {
        this.logger.error('a subscriber threw', { error });
      }
    }
  }
}
