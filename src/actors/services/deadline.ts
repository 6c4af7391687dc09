import { UnreachableError } from '../../errors.js';
import type { Scheduler } from '../../scheduler/index.js';

/** What `work` resolves to; rejects with UnreachableError when it takes longer. `what` is a clause: `the shepherd did not start`. */
export function withDeadline<T>(scheduler: Scheduler, ms: number, what: string, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = scheduler.setTimer(ms, () => reject(new UnreachableError(`${what} within ${ms} ms.`)));
    work.then(resolve, reject).finally(() => scheduler.clearTimer(timer));
  });
}
