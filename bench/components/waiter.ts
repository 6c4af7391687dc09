import { defineComponent } from 'millrace';
import { Bench } from '../gen/bench.js';

/** Answers what it is asked, after as many ms as that says. */
export const waiter = defineComponent('waiter', import.meta.url, Bench, {
  // A strategy that is late must show how late.
  queue: 65_536,
  handlers: {
    note: () => {},
    pass: () => {},
    echo: async (_kept, { value }, { scheduler }) => {
      await new Promise<void>((resolve) => void scheduler.setTimer(value, resolve));
      return { value };
    },
  },
});

/** Answers at once. */
export const echo = defineComponent('echo', import.meta.url, Bench, {
  handlers: { note: () => {}, pass: () => {}, echo: (_kept, { value }) => ({ value }) },
});
