import { WaitTimeoutError } from '../errors.js';
import type { Scheduler } from '../scheduler/index.js';

export interface UntilOptions {
  /** Time of the scheduler. Default 5 000. */
  readonly timeoutMs?: number;
  /** Interval between checks. Default 1. */
  readonly everyMs?: number;
  /** What the error says was awaited. Default: the source of the condition. */
  readonly what?: string;
}

/**
 * Resolves as soon as `condition` holds. It holds when it neither returns false nor throws, so it may contain assertions. Rejects with
 * WaitTimeoutError at the deadline; the cause is the last error that was thrown.
 *
 *     await until(cluster.scheduler, () => expect(received).to.have.length(3), { timeoutMs: 1_000 });
 */
export function until(scheduler: Scheduler, condition: () => unknown, options: UntilOptions = {}): Promise<void> {
  const { timeoutMs = 5_000, everyMs = 1, what = condition.toString() } = options;
  const deadlineMs = scheduler.now() + timeoutMs;
  return new Promise((resolve, reject) => {
    const check = (): void => {
      const result = holds(condition);
      if (result.isTrue) resolve();
      else if (scheduler.now() < deadlineMs) scheduler.setTimer(everyMs, check);
      else reject(new WaitTimeoutError(`waited ${timeoutMs} ms for ${what}`, { cause: result.error }));
    };
    check();
  });
}

function holds(condition: () => unknown): { readonly isTrue: boolean; readonly error?: unknown } {
  try {
    return { isTrue: condition() !== false };
  } catch (error) {
    return { isTrue: false, error };
  }
}
