import { AskTimeoutError } from '../../errors.js';
import type { Ref } from '../../protocol/index.js';
import type { Timer } from '../../scheduler/index.js';
import type { Context } from '../kernel/index.js';

/** Longest time in ms that a name is waited for, whatever the deadline of the lookup. */
const LONGEST_WAIT_MS = 60_000;

interface Waiting {
  readonly name: string;
  readonly untilMs: number;
  readonly found: (ref: Ref) => void;
  readonly failed: (error: Error) => void;
}

/** Pending lookups of names that no actor has yet. The timer stands at the earliest deadline, and goes with the last of them. */
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

  /** Resolves when the name is registered. AskTimeoutError at `askedUntilMs`, when the asker does not wait any more. */
  wait(name: string, askedUntilMs: number): Promise<Ref> {
    const untilMs = Math.min(askedUntilMs, this.#context.scheduler.now() + LONGEST_WAIT_MS);
    const waited = new Promise<Ref>((found, failed) => this.#waiting.push({ name, untilMs, found, failed }));
    this.#setTimer();
    return waited;
  }

  appeared(name: string, ref: Ref): void {
    this.#waiting = this.#waiting.filter((waiting) => {
      const isFound = waiting.name === name;
      if (isFound) {
        waiting.found(ref);
      }
      return !isFound;
    });
    this.#setTimer();
  }

  #setTimer(): void {
    const atMs = this.#waiting.reduce((earliest, { untilMs }) => Math.min(earliest, untilMs), Number.POSITIVE_INFINITY);
    if (this.#timer !== undefined) this.#context.cancel(this.#timer);
    this.#timer = undefined;
    if (atMs === Number.POSITIVE_INFINITY) return;
    this.#timer = this.#context.after(Math.max(0, atMs - this.#context.scheduler.now()), () => this.#sweep());
  }

  #sweep(): void {
    const nowMs = this.#context.scheduler.now();
    const due = this.#waiting.filter(({ untilMs }) => untilMs <= nowMs);
    this.#waiting = this.#waiting.filter(({ untilMs }) => untilMs > nowMs);
    this.#setTimer();
    for (const { name, failed } of due) {
      failed(new AskTimeoutError(`No actor registered the name "${name}" before the deadline of its lookup.`));
    }
  }
}
