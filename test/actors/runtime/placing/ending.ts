import type { ActorRef, Terminated } from '#src/actors/kernel/index.js';
import type { Runtime } from '#src/actors/runtime/index.js';
import { errandRunner, type Errands } from '../errand-runner.js';

/** Watches an actor by another, and says how it ended. */
export function ending(runtime: Runtime, ref: ActorRef<typeof Errands>): Promise<Terminated> {
  return new Promise((resolve) => {
    const watcher = errandRunner({
      on: {
        started: (_state, context) => context.watch(ref),
        terminated: (_state, event, context) => {
          resolve(event);
          context.stop();
        },
      },
    });
    runtime.spawn(watcher);
  });
}
