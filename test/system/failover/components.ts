/** What runs in the processes of the cluster, with the journal of the process. */
import type { Behavior } from '#src/actors/kernel/index.js';
import { component } from '#src/actors/runtime/index.js';
import { errandRunner, Errands } from '../../actors/runtime/errand-runner.js';
import { Journal } from './journal.js';

const number = Number(process.env['MEMBER_NUMBER']);

export const journal = new Journal(process.env['MEMBER_JOURNAL'] ?? '');

/** Writes down what it handles. `rush` is answered with the number of its process. */
export function desk(): Behavior<typeof Errands, undefined> {
  return errandRunner<undefined>({
    on: { started: (_state, { self }) => journal.write('home', self.toRef().cUid) },
    push: (_state, { value }, { self }) => journal.write('told', value, self.toRef().cUid),
    run: (_state, { value }) => {
      journal.write('asked', value);
      return { value };
    },
    rush: () => ({ value: number }),
  });
}

/** One actor of the cluster has its name, and another one stands by. */
export const bank = component('bank', import.meta.url, Errands, desk, { onFailure: 'restart' });

/** Is placed and stopped, to see that it can be. */
export const probe = component('probe', import.meta.url, Errands, desk);
