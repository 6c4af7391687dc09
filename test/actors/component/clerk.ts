import { randomUUID } from 'node:crypto';
import { defineComponent } from '#src/actors/component/index.js';
import { pause } from '#src/scheduler/index.js';
import { Listing } from '../transport/errands.js';

/** A request with this value is never answered. */
export const NEVER = 77_777;
/** A request with this value blocks the thread of its container for ever. */
export const SPIN = 88_888;

/** How often a request with an id in its `load` was handled on this thread. */
export const handlings = new Map<string, number>();

/** A request takes as many ms as its value; the reply is how many the container has handled, and which one it is. It throws when two overlap. */
export const clerk = defineComponent('clerk', import.meta.url, Listing, {
  created: () => ({ id: new TextEncoder().encode(randomUUID()), running: 0, handled: 0, pushed: 0 }),
  handlers: {
    push: async (kept, { value }, { scheduler }) => {
      await pause(scheduler, value);
      kept.pushed++;
    },
    run: async (kept, { value, load }, { scheduler }) => {
      const id = Buffer.from(load).toString();
      if (id !== '') handlings.set(id, (handlings.get(id) ?? 0) + 1);
      if (value === 13) throw new RangeError('13 is refused');
      if (value === NEVER) await new Promise(() => {});
      if (value === SPIN) for (;;);
      kept.running++;
      await pause(scheduler, value);
      if (kept.running > 1) throw new RangeError('two at a time');
      kept.running--;
      kept.handled++;
      return { value: kept.handled, load: kept.id };
    },
    list: async function* (kept, { value }, { scheduler }) {
      for (let count = 0; count < value; count++) {
        await pause(scheduler, 1);
        yield { value: kept.pushed, load: kept.id };
      }
    },
  },
});

/** None of its containers can start. */
export const neverStarter = defineComponent('never-starter', import.meta.url, Listing, {
  created: () => {
    throw new RangeError('there is no disk');
  },
  handlers: { push: () => {}, run: () => ({ value: 1 }), list: async function* () {} },
});

/** Its first container cannot start. */
let starts = 0;
export const lateStarter = defineComponent('late-starter', import.meta.url, Listing, {
  created: () => {
    starts++;
    if (starts % 2 === 1) throw new RangeError('there is no disk');
  },
  handlers: {
    push: () => {},
    run: () => ({ value: 1 }),
    list: async function* () {},
  },
});
