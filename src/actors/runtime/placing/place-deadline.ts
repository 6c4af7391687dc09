import { AskTimeoutError } from '../../../errors.js';
import type { Scheduler } from '../../../scheduler/index.js';

/** The time by which one call of `place` is over, whoever does not answer. */
export class PlaceDeadline {
  readonly #scheduler: Scheduler;
  readonly #component: string;
  readonly #timeoutMs: number;
  readonly #atMs: number;

  constructor(scheduler: Scheduler, component: string, timeoutMs: number) {
    this.#scheduler = scheduler;
    this.#component = component;
    this.#timeoutMs = timeoutMs;
    this.#atMs = scheduler.now() + timeoutMs;
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
  error(why: string, cause: AskTimeoutError): AskTimeoutError {
    const message = `Component "${this.#component}" was not placed within ${this.#timeoutMs} ms: ${why}`;
    return new AskTimeoutError(message, { cause });
  }
}
