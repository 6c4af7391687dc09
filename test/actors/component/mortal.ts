import { defineComponent } from '#src/actors/component/index.js';
import { Listing } from '../transport/errands.js';

/** What happens at each step of a replacement, in a test on virtual time, where all processes are this one. */
export const steps = {
  created: (): void => {},
  exported: (_sum: number): void => {},
  imported: (_sum: number): void => {},
};

/** Adds up the values that it is asked with. */
export const mortal = defineComponent('mortal', import.meta.url, Listing, {
  created: () => {
    steps.created();
    return { sum: 0 };
  },
  exportState: ({ sum }) => {
    steps.exported(sum);
    return Uint8Array.of(sum);
  },
  importState: (kept, [sum = 0]) => {
    steps.imported(sum);
    kept.sum = sum;
  },
  handlers: {
    push: () => {},
    run: (kept, { value }) => {
      kept.sum += value;
      return { value: kept.sum };
    },
    list: async function* () {},
  },
});
