import { v1 } from '../../protocol/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import { type Behavior, behavior } from '../kernel/index.js';

/** What the actor needs of its process. */
export interface DescribedRuntime {
  readonly scheduler: Scheduler;
  describe(): v1.RuntimeDescriptionInit;
  stop(): Promise<unknown>;
}

/** The actor by which others describe and stop a process. */
export function runtimeActor(runtime: DescribedRuntime): Behavior<typeof v1.Runtime, undefined> {
  return behavior(v1.Runtime, {
    supervision: { onFailure: 'resume' },
    describe: () => runtime.describe(),
    stop: () => {
      // After the reply.
      runtime.scheduler.scheduleYield(() => void runtime.stop());
      return {};
    },
  });
}
