import { callerIn } from '../../installation.js';

/** Where a block was made: a text, or a stack that is read only when somebody asks. */
export type Origin = string | { readonly stack?: string };

/**
 * Stacks that a pool takes in a second. One takes 2 to 5 us, so they take a hundredth of the time at most. A program that makes more blocks makes them
 * in few lines, each of which is still found.
 */
const STACKS_PER_SECOND = 2_000;

const NOT_NOTED = `a line that was not noted, because more than ${STACKS_PER_SECOND} blocks were made in a second`;

/** Notes where blocks are made: all of them, as long as they are not too many. */
export class Origins {
  readonly #now: () => number;
  #left = STACKS_PER_SECOND;
  #countedAtMs: number;

  constructor(now: () => number) {
    this.#now = now;
    this.#countedAtMs = now();
  }

  /** Where the function was called that calls this. */
  readonly next = (): Origin => {
    const nowMs = this.#now();
    this.#left = Math.min(STACKS_PER_SECOND, this.#left + ((nowMs - this.#countedAtMs) * STACKS_PER_SECOND) / 1_000);
    this.#countedAtMs = nowMs;
    if (this.#left < 1) return NOT_NOTED;
    this.#left -= 1;
    // Its text is made only when somebody reads it.
    const at: { stack?: string } = {};
    Error.captureStackTrace(at, this.next);
    return at;
  };
}

export function originText(origin: Origin): string {
  return typeof origin === 'string' ? origin : callerIn(origin.stack);
}
