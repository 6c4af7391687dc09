import type { Scheduler } from './scheduler.js';

/** Resolves after `ms`, or as soon as `signal` is aborted, at once where it is already. Leaves neither timer nor listener behind. */
export function pause(scheduler: Scheduler, ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      scheduler.clearTimer(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = scheduler.setTimer(ms, end);
    signal?.addEventListener('abort', end, { once: true });
  });
}

/** Resolves when `work` has settled, and after `ms` at the latest. The work goes on after that. */
export function settledWithin(scheduler: Scheduler, ms: number, work: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      scheduler.clearTimer(timer);
      resolve();
    };
    const timer = scheduler.setTimer(ms, end);
    work.then(end, end);
  });
}
