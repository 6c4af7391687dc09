import { defineComponent } from '#src/actors/component/index.js';
import { pause } from '#src/scheduler/index.js';
import { Errands } from '../runtime/errand-runner.js';
import { Listing } from '../transport/errands.js';

/** Doubles what it is asked for, and adds up what it has been pushed. Another container of it has another sum. */
export const doubler = defineComponent('doubler', import.meta.url, Listing, {
  created: () => ({ sum: 0 }),
  handlers: {
    push: (kept, { value }) => {
      kept.sum += value;
    },
    run: (_kept, { value }) => {
      if (value === 13) throw new RangeError('13 is refused');
      return { value: 2 * value };
    },
    list: async function* (kept, { value }) {
      for (let count = 0; count < value; count++) yield { value: kept.sum + count };
    },
  },
});

/** Calls the doubler of its own container; `rush` answers the process. */
export const depot = defineComponent('depot', import.meta.url, Errands, {
  uses: [doubler],
  created: async () => ({ sum: 0, isOpen: false, events: new Array<string>() }),
  started: (kept) => {
    kept.isOpen = true;
  },
  stopping: (kept) => {
    kept.isOpen = false;
  },
  stateVersion: 2,
  exportState: ({ sum }) => Uint8Array.of(sum),
  importState: (kept, state, version) => {
    if (version > 2) throw new RangeError(`version ${version} is not read`);
    kept.sum = state[0] ?? 0;
  },
  handlers: {
    push: (kept, { value }) => {
      kept.sum += value;
    },
    urge: (kept, { value }, call) => {
      call.direct(doubler).push({ value });
      kept.events.push('urged');
    },
    // The direct call is an ordinary call: its result is there at once.
    run: (kept, { value }, call) => ({ value: kept.sum + call.direct(doubler).run({ value }).value }),
    rush: async ({ isOpen }) => ({ value: isOpen ? process.pid : 0 }),
    list: async function* (kept, { value }, call) {
      yield { value: kept.events.length };
      yield* call.direct(doubler).list({ value });
    },
  },
});

/** An answer takes as many ms as it was asked for; two requests may wait. */
export const slow = defineComponent('slow', import.meta.url, Listing, {
  queue: 2,
  handlers: {
    push: () => {},
    run: async (_kept, { value }, { scheduler }) => {
      await pause(scheduler, value);
      return { value };
    },
    list: async function* () {},
  },
});

/** Its environment cannot be created. */
export const broken = defineComponent('broken', import.meta.url, Listing, {
  created: (): { sum: number } => {
    throw new RangeError('there is no disk');
  },
  handlers: {
    push: () => {},
    run: () => ({}),
    list: async function* () {},
  },
});

/** Calls a component that it does not use. */
export const stray = defineComponent('stray', import.meta.url, Listing, {
  handlers: {
    push: () => {},
    run: (_kept, { value }, call) => ({ value: call.direct(doubler).run({ value }).value }),
    list: async function* () {},
  },
});
