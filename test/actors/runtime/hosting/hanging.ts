import { writeFileSync } from 'node:fs';
import { component } from '#src/actors/runtime/index.js';
import { blockForEver } from '../../../support/block.js';
import { Errands } from '../../transport/errands.js';
import { errands } from '../../transport/partitions.js';

interface HangingArgs {
  /** Is written when its thread begins to hang. */
  readonly began: string;
}

/** Never ends with its first push, so that others wait in its mailbox; `urge` blocks its thread for ever. */
export const hanging = component('hanging', import.meta.url, Errands, ({ began }: HangingArgs) =>
  errands({
    push: () => new Promise(() => {}),
    run: (_state, { value }) => ({ value }),
    urge: () => {
      writeFileSync(began, '');
      blockForEver();
    },
  }),
);
