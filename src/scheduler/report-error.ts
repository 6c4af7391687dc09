import { queueMicrotask } from './node-timers.js';

/** The default for an error that a turn or a timer throws: an uncaught exception. */
export function throwUncaught(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
