import { AskTimeoutError, BackpressureError } from '../../errors.js';
import type { Scheduler } from '../../scheduler/index.js';
import type { AskOptions } from '../kernel/index.js';

/** Time after which a request without an answer is sent again, in ms. */
const REPEAT_MS = 1_000;
/** What is left of a deadline when the time that was added up for it is rounded: too little to ask anything in. */
const ROUNDING_MS = 1e-3;

/**
 * Sends a request that may be repeated until it is answered or the deadline passes: a frame lost on the way, or a mailbox that is full,
 * costs time, not the request. Any error but a missing answer ends it at once.
 */
export async function askAgain<Reply>(
  scheduler: Scheduler,
  timeoutMs: number,
  send: (options: AskOptions) => Promise<Reply>,
): Promise<Reply> {
  const deadline = scheduler.now() + timeoutMs;
  for (let remaining = timeoutMs; ; remaining = deadline - scheduler.now()) {
    try {
      return await send({ timeoutMs: Math.min(REPEAT_MS, remaining) });
    } catch (error) {
      if (error instanceof BackpressureError) {
        await pass(scheduler, Math.min(REPEAT_MS, deadline - scheduler.now()));
      } else if (!(error instanceof AskTimeoutError)) {
        throw error;
      }
      if (deadline - scheduler.now() < ROUNDING_MS) {
        throw error;
      }
    }
  }
}

function pass(scheduler: Scheduler, ms: number): Promise<void> {
  return new Promise((resolve) => void scheduler.setTimer(ms, resolve));
}
