import { WaitTimeoutError } from '../errors.js';
import type { Scheduler } from '../scheduler/index.js';

export interface UntilOptions {
  /** On the scheduler's time. Default 5 000. */
  readonly timeoutMs?: number;
  /** How often to look. Default 1. */
  readonly everyMs?: number;
  /** What is waited for, for the error. Default: the text of the condition. */
  readonly what?: string;
}

/**
 * Resolves as soon as `condition` holds: returns true, or throws no longer (so that assertions serve). WaitTimeoutError at the
 * deadline, with what was thrown last as its cause.
 *
 *     await until(cluster.scheduler, () => expect(received).to.have.length(3), { timeoutMs: 1_000 });
 */
export function until(scheduler: Scheduler, condition: () => unknown, options: UntilOptions = {}): Promise<void> {
  const { timeoutMs = 5_000, everyMs = 1, what = condition.toString() } = options;
  const deadlineMs = scheduler.now() + timeoutMs;
  return new Promise((resolve, reject) => {
    const look = (): void => {
      const seen = holds(condition);
      if (seen.isTrue) resolve();
      else if (scheduler.now() < deadlineMs) scheduler.setTimer(everyMs, look);
      else reject(new WaitTimeoutError(`waited ${timeoutMs} ms for ${what}`, { cause: seen.error }));
    };
    look();
  });
}

function holds(condition: () => unknown): { readonly isTrue: boolean; readonly error?: unknown } {
  try {
    return { isTrue: condition() !== false };
  } catch (error) {
    return { isTrue: false, error };
  }
}
