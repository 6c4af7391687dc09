import { AskTimeoutError } from '../../errors.js';
import type { Ref } from '../../protocol/index.js';
import type { Timer } from '../../scheduler/index.js';
import type { Context } from '../kernel/index.js';

/** Time after which a lookup fails, in ms. The server does not know its caller's deadline. */
const LONGEST_WAIT_MS = 60_000;

interface Waiting {
  readonly name: string;
  readonly untilMs: number;
  readonly found: (ref: Ref) => void;
  readonly failed: (error: Error) => void;
}

/** Pending lookups of names that no actor has yet. */
export class WaitingLookups {
  readonly #context: Context;
  #waiting: Waiting[] = [];
  #timer: Timer | undefined;

  constructor(context: Context) {
    this.#context = context;
  }

  get size(): number {
    return this.#waiting.length;
  }

  /** Resolves when the name is registered. */
  wait(name: string): Promise<Ref> {
    const untilMs = this.#context.scheduler.now() + LONGEST_WAIT_MS;
    if (this.#timer === undefined) {
      this.#sweepAfter(LONGEST_WAIT_MS);
    }
    return new Promise((found, failed) => this.#waiting.push({ name, untilMs, found, failed }));
  }

  appeared(name: string, ref: Ref): void {
    this.#waiting = this.#waiting.filter((waiting) => {
      const isFound = waiting.name === name;
      if (isFound) {
        waiting.found(ref);
      }
      return !isFound;
    });
  }

  #sweepAfter(delayMs: number): void {
    this.#timer = this.#context.after(delayMs, () => this.#sweep());
  }

  #sweep(): void {
    const nowMs = this.#context.scheduler.now();
    const due = this.#waiting.filter(({ untilMs }) => untilMs <= nowMs);
    this.#waiting = this.#waiting.filter(({ untilMs }) => untilMs > nowMs);
    const next = this.#waiting[0];
    this.#timer = undefined;
    if (next !== undefined) {
      this.#sweepAfter(next.untilMs - nowMs);
    }
    for (const { name, failed } of due) {
      failed(new AskTimeoutError(`No actor registered the name "${name}" within ${LONGEST_WAIT_MS} ms.`));
    }
  }
}
