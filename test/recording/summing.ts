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

export const placedSum = component('summing', import.meta.url, Errands, ({ start }: { readonly start: number }) =>
  summing(start),
);
