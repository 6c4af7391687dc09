import type { DeadLetter, DeadLetters, Subscribable } from '../kernel/index.js';

/** What happens in all partitions of one process, as one. */
export function joinedFeed<Event>(feeds: readonly Subscribable<Event>[]): Subscribable<Event> {
  return {
    subscribe: (listener) => {
      const ends = feeds.map((feed) => feed.subscribe(listener));
      return () => {
        for (const end of ends) end();
      };
    },
  };
}

export function joinedDeadLetters(all: readonly DeadLetters[]): DeadLetters {
  return {
    ...joinedFeed<DeadLetter>(all),
    get count() {
      return all.reduce((count, letters) => count + letters.count, 0);
    },
  };
}
