import { limits } from '../../limits.js';
import type { Scheduler } from '../../scheduler/index.js';

/** Steps between two looks at the clock. */
const SLICE = 8;

/** The stream, as its turns see it. */
export interface SteppedStream {
  /** The generator has yielded or returned. Throws errors of the element's type, and of whoever gets it. */
  accept(result: unknown): void;
  /** True when the next element is due now. Else its reader will ask for it, or gets no more. */
  isDue(): boolean;
  /** Queues a turn for the next element. */
  queue(): void;
}

/** What the generator has yielded after its turn was given up. */
export class LostResult {
  readonly result: unknown;

  constructor(result: unknown) {
    this.result = result;
  }
}

/** Who takes the turn. */
export interface StepTaker {
  /** Runs the generator's next step. */
  step(): Promise<unknown>;
  /** The turn was not given up during the step that has ended. Throws for what a step may not have done. */
  holds(): boolean;
  /** Nothing else waits for the turn to end. */
  mayGoOn(): boolean;
  /** The turn is over. It has taken `steps`; `isLong`: the event loop should have its turn. */
  spent(steps: number, isLong: boolean): void;
}

/**
 * One turn of a stream: takes steps of its generator while their elements are due, and nothing else waits. Elements that are ready need no
 * turn of their own. It is over at latest after `throughputMessages` steps, or `turnMs`.
 *
 *     step --> result --> accept --> step --> ... --> over: nothing is due, or a turn is queued for the next element
 */
export class StreamTurn {
  /**
   * Resolves when the turn is over, with the result of its last step where that was not accepted: the turn was given up. Rejects with what
   * the generator throws, and with what `accept` throws.
   */
  readonly over: Promise<LostResult | undefined>;
  readonly #stream: SteppedStream;
  readonly #taker: StepTaker;
  readonly #scheduler: Scheduler;
  #steps = 0;
  #sinceMs = 0;
  #isLong = false;
  #resolve: (lost?: LostResult) => void = () => {};
  #reject: (error: unknown) => void = () => {};
  readonly #came = (result: unknown): void => {
    this.#steps++;
    try {
      if (this.#taker.holds()) this.#accept(result);
      else this.#end(new LostResult(result));
    } catch (error) {
      this.#fail(error);
    }
  };
  readonly #threw = (error: unknown): void => {
    this.#steps++;
    this.#fail(error);
  };

  /** Takes the first step, and throws what that throws before it returns its promise. */
  constructor(stream: SteppedStream, taker: StepTaker, scheduler: Scheduler) {
    this.#stream = stream;
    this.#taker = taker;
    this.#scheduler = scheduler;
    const first = taker.step();
    this.over = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    first.then(this.#came, this.#threw);
  }

  #accept(result: unknown): void {
    const stream = this.#stream;
    stream.accept(result);
    if (!stream.isDue()) this.#end();
    else if (this.#taker.mayGoOn() && this.#hasTime()) this.#taker.step().then(this.#came, this.#threw);
    else {
      stream.queue();
      this.#end();
    }
  }

  /** The clock is read now and then, because that takes as long as half a step. */
  #hasTime(): boolean {
    if (this.#steps >= limits.throughputMessages) return false;
    if (this.#steps % SLICE !== 1) return true;
    const nowMs = this.#scheduler.now();
    if (this.#steps === 1) this.#sinceMs = nowMs;
    this.#isLong = nowMs - this.#sinceMs >= limits.turnMs;
    return !this.#isLong;
  }

  #end(lost?: LostResult): void {
    this.#taker.spent(this.#steps, this.#isLong);
    this.#resolve(lost);
  }

  #fail(error: unknown): void {
    this.#taker.spent(this.#steps, this.#isLong);
    this.#reject(error);
  }
}
