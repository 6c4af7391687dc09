import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { component } from '#src/actors/runtime/index.js';
import { Errands } from '../actors/transport/errands.js';
import { errands } from '../actors/transport/partitions.js';

interface Sum {
  total: number;
}

/** Adds what it is told to `start`; `more` is what a changed version adds to each answer. */
export const summing = (start: number, more = 0) =>
  errands<Sum>({
    state: () => ({ total: start }),
    push: (sum, { value }) => void (sum.total += value),
    run: (sum) => ({ value: sum.total + more }),
  });

/** As `summing`, but ends its thread or process when the sum is above 100, and is placed again. */
export const ending = (start: number) =>
  errands<Sum>({
    state: () => ({ total: start }),
    push: (sum, { value }) => {
      sum.total += value;
      if (sum.total > 100) process.exit(3);
    },
    run: (sum) => ({ value: sum.total }),
  });

/** As `summing`, on a thread or in a process whose disk tells that it is full only when a file is flushed or closed, as network file systems do. */
export const placedOnFullDisk = component(
  'on-full-disk',
  import.meta.url,
  Errands,
  ({ start }: { readonly start: number }) => {
    fs.fsyncSync = () => {
      throw Object.assign(new Error('ENOSPC: no space left on device, fsync'), { code: 'ENOSPC' });
    };
    syncBuiltinESMExports();
    return summing(start);
  },
);

export const placedEnding = component(
  'ending',
  import.meta.url,
  Errands,
  ({ start }: { readonly start: number }) => ending(start),
  { onFailure: 'restart' },
);

export const placedSum = component('summing', import.meta.url, Errands, ({ start }: { readonly start: number }) =>
  summing(start),
);
