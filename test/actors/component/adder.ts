import { defineComponent } from '#src/actors/component/index.js';
import { pause } from '#src/scheduler/index.js';
import { Listing } from '../transport/errands.js';

/** A request takes as many ms as its value: it computes where its load begins with 1, and waits otherwise. */
export const adder = defineComponent('adder', import.meta.url, Listing, {
  handlers: {
    push: () => {},
    run: async (_kept, { value, load }, { scheduler }) => {
      if (load[0] === 1) {
        const untilMs = scheduler.now() + value;
        let sum = 0;
        while (scheduler.now() < untilMs) sum += 1;
        return { value: sum };
      }
      await pause(scheduler, value);
      return { value };
    },
    list: async function* () {},
  },
});
