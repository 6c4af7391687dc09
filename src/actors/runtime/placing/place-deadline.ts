import { AskAbortedError, AskTimeoutError, type MillraceError } from '../../../errors.js';
import type { Scheduler } from '../../../scheduler/index.js';

/** The time by which one call of `place` is over, whoever does not answer, and the signals that end it earlier. */
export class PlaceDeadline {
  readonly #scheduler: Scheduler;
  readonly #component: string;
  readonly #timeoutMs: number;
  readonly #atMs: number;
  readonly #signal: AbortSignal | undefined;
  /** Aborted when the runtime stops, or the caller ends the call. */
  readonly over: AbortSignal;

  /** `closing` is aborted when the runtime stops, and `signal` by the caller. */
  constructor(
    scheduler: Scheduler,
    component: string,
    timeoutMs: number,
    closing: AbortSignal,
    signal: AbortSignal | undefined,
  ) {
    this.#signal = signal;
    this.over = signal === undefined ? closing : AbortSignal.any([closing, signal]);
    this.#scheduler = scheduler;
    this.#component = component;
    this.#timeoutMs = timeoutMs;
    this.#atMs = scheduler.now() + timeoutMs;
  }

  /** Throws AskAbortedError when the caller has ended the call. */
  assertNotAborted(): void {
    if (this.#signal?.aborted !== true) return;
    throw placingAborted(this.#component, this.#signal.reason);
  }

  /** In ms; 0 from the deadline on. */
  get remainingMs(): number {
    return Math.max(0, this.#atMs - this.#scheduler.now());
  }

  /** Resolves when `work` has settled, at the latest at the deadline. The work goes on after that. */
  settled(work: Promise<unknown>): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        this.#scheduler.clearTimer(timer);
        resolve();
      };
      const timer = this.#scheduler.setTimer(this.remainingMs, resolve);
      work.then(end, end);
    });
  }

  /** The error of who has waited until the deadline: `why` says for what. */
  error(why: string, cause: MillraceError): AskTimeoutError {
    const message = `Component "${this.#component}" was not placed within ${this.#timeoutMs} ms: ${why}`;
    return new AskTimeoutError(message, { cause });
  }
}

export function placingAborted(component: string, cause: unknown): AskAbortedError {
  return new AskAbortedError(`The placing of component "${component}" was aborted by its caller.`, { cause });
}
