import { component } from '#src/actors/runtime/index.js';
import { subject, Subject } from './subject.js';

/** What the actors of these tests place by their contexts. */
export const helper = component('helper', import.meta.url, Subject, () =>
  subject({
    ask: async (_state, { value, text }, context) => {
      if (value > 0) await new Promise((resolve) => void context.scheduler.setTimer(value, () => resolve(undefined)));
      return { value, text };
    },
  }),
);
