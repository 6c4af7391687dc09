import { type ContainedComponent, defineComponent } from '#src/actors/component/index.js';
import { pause } from '#src/scheduler/index.js';
import { Listing } from '../transport/errands.js';

/** A request with this value is never answered. */
export const NEVER = 77_777;

interface TillOptions {
  readonly version: number;
  /** State of a version below this is refused. */
  readonly reads?: number;
  readonly cannotStart?: boolean;
}

/** Adds up the values that it is asked with, and answers the sum and its own version. A request takes a ms. */
export function tillOf(
  url: string,
  { version, reads = 1, cannotStart = false }: TillOptions,
): ContainedComponent<typeof Listing, unknown> {
  return defineComponent('till', url, Listing, {
    stateVersion: version,
    created: () => {
      if (cannotStart) throw new RangeError('there is no disk');
      return { sum: 0 };
    },
    exportState: ({ sum }) => Uint8Array.of(sum),
    importState: (kept, state, from) => {
      if (from < reads) throw new RangeError(`version ${from} is not read`);
      kept.sum = state[0] ?? 0;
    },
    handlers: {
      push: () => {},
      run: async (kept, { value }, { scheduler }) => {
        if (value === NEVER) await new Promise(() => {});
        await pause(scheduler, 1);
        kept.sum += value;
        return { value: kept.sum, load: Uint8Array.of(version) };
      },
      list: async function* () {},
    },
  });
}

export const till = tillOf(import.meta.url, { version: 1 });
