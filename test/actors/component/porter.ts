import { defineComponent } from '#src/actors/component/index.js';
import { Refusal } from '#src/errors.js';
import { pause } from '#src/scheduler/index.js';
import { Listing } from '../transport/errands.js';

/** What all porters of this thread have done. */
export const done = { pushed: 0, yielded: 0, closed: 0, ran: 0 };
/** Requests with these values fail, are refused, and have the meta `who` as their answer. */
export const [FAILS, IS_REFUSED, SAYS_WHO] = [13, 14, 15] as const;

/** A request takes as many ms as its value, and so does each element of a stream. */
export const porter = defineComponent('porter', import.meta.url, Listing, {
  handlers: {
    push: async (_kept, { value }, { scheduler }) => {
      await pause(scheduler, value);
      done.pushed++;
    },
    run: async (_kept, { value }, { scheduler, meta }) => {
      done.ran++;
      if (value === FAILS) throw Object.assign(new RangeError('13 is too much'), { code: 'E_13' });
      if (value === IS_REFUSED) throw new Refusal('SOLD_OUT', 'there is none left');
      if (value === SAYS_WHO) return { value, load: Buffer.from(meta?.['who'] ?? '') };
      await pause(scheduler, value);
      return { value };
    },
    list: async function* (_kept, { value }, { scheduler }) {
      try {
        for (let count = 0; ; count++) {
          await pause(scheduler, value);
          done.yielded++;
          yield { value: count };
        }
      } finally {
        done.closed++;
      }
    },
  },
});
