import { AskAbortedError, AskTimeoutError } from '../../errors.js';
import { errorOf, namedMessageOf } from '../../foreign.js';
import { accepted, type AcceptedOptions } from '../../options/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import type { CallBounds } from '../kernel/index.js';

export const BOUNDS: AcceptedOptions = {
  timeoutMs: {
    what: 'a positive finite number of milliseconds',
    is: (value) => typeof value === 'number' && value > 0 && value < Number.POSITIVE_INFINITY,
  },
  signal: accepted.signal,
};

/**
 * What `start` resolves to, unless the bounds of the call come first. `start` is not interrupted: what it gets after that is given to `undo`. `what` begins
 * the sentences of the errors.
 */
export function bounded<Result>(
  what: string,
  { timeoutMs, signal }: CallBounds,
  scheduler: Scheduler,
  start: () => Promise<Result>,
  undo: (result: Result) => void = () => {},
): Promise<Result> {
  if (timeoutMs === undefined && signal === undefined) return start();
  if (signal?.aborted === true) return Promise.reject(abortedError(what, signal));
  return new Promise((resolve, reject) => {
    let isOver = false;
    const end = (): void => {
      isOver = true;
      if (timer !== undefined) scheduler.clearTimer(timer);
      signal?.removeEventListener('abort', aborted);
    };
    const fail = (error: Error): void => {
      end();
      reject(error);
    };
    const aborted = (): void => {
      if (signal !== undefined) fail(abortedError(what, signal));
    };
    const late = (): void => fail(new AskTimeoutError(`${what} was not done within ${timeoutMs} ms.`));
    const timer = timeoutMs === undefined ? undefined : scheduler.setTimer(timeoutMs, late);
    signal?.addEventListener('abort', aborted, { once: true });
    start().then(
      (result) => {
        if (isOver) return undo(result);
        end();
        resolve(result);
      },
      (error: unknown) => {
        if (isOver) return;
        end();
        reject(errorOf(error));
      },
    );
  });
}

function abortedError(what: string, { reason }: AbortSignal): AskAbortedError {
  return new AskAbortedError(`${what} was aborted by its caller: ${namedMessageOf(reason)}`, { cause: reason });
}
