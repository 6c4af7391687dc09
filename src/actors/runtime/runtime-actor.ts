import { v1 } from '../../protocol/index.js';
import { type Behavior, behavior } from '../kernel/index.js';
import type { Runtime } from './runtime.js';

/** The actor that describes and stops a runtime by messages. */
export function runtimeActor(
  runtime: Pick<Runtime, 'describe' | 'scheduler' | 'stop'>,
): Behavior<typeof v1.Runtime, undefined> {
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
