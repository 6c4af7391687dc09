import type { Question, Subject } from '../harness/question.js';
import { rate } from '../harness/rate.js';
import { populations } from './populations.js';

/** Starting actors. Stopping them is not measured. */
export const spawn: Question = {
  slug: 'spawn',
  metric: 'actors started',
  unit: 'M/s',
  isMoreBetter: true,
  sizes: ['no state'],
  peer: 'nact',
  subjects: Object.fromEntries(
    Object.entries(populations).map(([name, start]): [string, Subject] => [
      name,
      async (effort) => {
        const population = await start();
        return rate(
          effort,
          (count) => population.grow(count),
          () => population.end(),
        );
      },
    ]),
  ),
};
