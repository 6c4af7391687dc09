import type { Question, Subject } from '../harness/question.js';

/** Importing a library in a fresh process. */
export const importing: Question = {
  slug: 'import',
  metric: 'time of the import',
  unit: 'ms',
  isMoreBetter: false,
  sizes: ['fresh process'],
  isFresh: true,
  runs: 7,
  peer: 'nact',
  subjects: {
    'millrace typed': timed(() => import('millrace')),
    nact: timed(() => import('nact')),
    comedy: timed(() => import('comedy')),
    XState: timed(() => import('xstate')),
    'limit: an empty module': timed(() => import('./empty.js')),
  },
};

function timed(load: () => Promise<unknown>): Subject {
  return () =>
    Promise.resolve(async () => {
      const startedAtMs = performance.now();
      await load();
      return performance.now() - startedAtMs;
    });
}
