import type { Scheduler } from '#src/scheduler/index.js';
import { pass } from '../../support/offered-load.js';
import { worker } from './harness.js';

/** Time in ms that a handler of these tests takes: an actor can do 100 a second. */
export const SERVICE_MS = 10;

/** A worker that takes `timeMs()` for each ask, and counts how many it has begun. */
export function busyWorker(scheduler: Scheduler, timeMs: () => number = () => SERVICE_MS) {
  const counts = { begun: 0 };
  const busy = worker({
    work: async (_state, request) => {
      counts.begun++;
      await pass(scheduler, timeMs());
      return request;
    },
    push: () => pass(scheduler, timeMs()),
  });
  return { busy, counts };
}
