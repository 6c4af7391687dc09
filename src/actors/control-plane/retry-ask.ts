import {
  AskTimeoutError,
  BackpressureError,
  HandlerError,
  type MillraceError,
  UnreachableError,
} from '../../errors.js';
import { pause, type Scheduler } from '../../scheduler/index.js';
import type { AskOptions } from '../kernel/index.js';

/** Time after which a request without an answer is sent again, in ms. */
const REPEAT_MS = 1_000;
/** Time that rounding may leave of a deadline, in ms: too little for another try. */
const ROUNDING_MS = 1e-3;

/**
 * Sends an idempotent request until it is answered or the deadline passes. It is sent again when no answer arrives in time, for a
 * frame may be lost, and when the mailbox is full. Any other error rejects at once.
 */
export async function retryAsk<Reply>(
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
        await pause(scheduler, Math.min(REPEAT_MS, deadline - scheduler.now()));
      } else if (!isLate(error)) {
        throw error;
      }
      if (deadline - scheduler.now() < ROUNDING_MS) {
        throw error;
      }
    }
  }
}

/**
 * The deadline has passed, here or a moment before at the server, which has waited on behalf of this request; or no link was open by then. The actor
 * may answer later.
 */
export function isLate(error: unknown): error is MillraceError {
  if (error instanceof UnreachableError) return error.isUnsent;
  return error instanceof AskTimeoutError || (error instanceof HandlerError && error.handlerCode === 'ASK_TIMEOUT');
}
