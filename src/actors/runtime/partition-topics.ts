import type { DeadLetter, DeadLetters, Subscribable } from '../kernel/index.js';

/** One topic with the events of several, such as those of all partitions. */
export function mergedTopic<Event>(topics: readonly Subscribable<Event>[]): Subscribable<Event> {
  return {
    subscribe: (listener) => {
      const ends = topics.map((topic) => topic.subscribe(listener));
      return () => {
        for (const end of ends) end();
      };
    },
  };
}

export function joinedDeadLetters(all: readonly DeadLetters[]): DeadLetters {
  return {
    ...mergedTopic<DeadLetter>(all),
    get count() {
      return all.reduce((count, letters) => count + letters.count, 0);
    },
  };
}
