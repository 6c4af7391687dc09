import type { Work } from '../harness/rate.js';

/** Most messages per batch. */
export const BATCH = 1_000;
/** Asks in flight at the same time. */
export const IN_FLIGHT = 64;
/** Actors in a ring. */
export const RING = 1_000;

/** Counts handled messages, and reports when the expected number is reached. */
export class Counter {
  count = 0;
  #expected = 0;
  #reached: () => void = () => undefined;

  /** Resolves when `count` has grown to `expected`. */
  until(expected: number): Promise<void> {
    this.#expected = expected;
    return new Promise((resolve) => {
      this.#reached = resolve;
    });
  }

  add(): void {
    if (++this.count === this.#expected) this.#reached();
  }
}

/** Sends in batches. Each batch is handled completely before the next starts. */
export function inBatches(counter: Counter, tell: (value: number) => unknown): Work {
  return async (count) => {
    counter.count = 0;
    for (let sent = 0; sent < count; sent += BATCH) {
      const batch = Math.min(BATCH, count - sent);
      const handled = counter.until(sent + batch);
      for (let index = 0; index < batch; index++) tell(index);
      await handled;
    }
    return counter.count;
  };
}

/** Asks for the echo of a value, and reads it from the reply. */
export interface Echo<Reply> {
  readonly ask: (value: number) => Promise<Reply>;
  readonly valueOf: (reply: Reply) => number;
}

/** Asks one after the other. A wrong reply does not count. */
export function oneByOne<Reply>({ ask, valueOf }: Echo<Reply>): Work {
  return async (count) => {
    let answered = 0;
    for (let index = 0; index < count; index++) {
      if (valueOf(await ask(index)) === index) answered++;
    }
    return answered;
  };
}

/** Asks with many in flight. */
export function pipelined<Reply>({ ask, valueOf }: Echo<Reply>): Work {
  return async (count) => {
    let next = 0;
    let answered = 0;
    const askOn = async (): Promise<void> => {
      while (next < count) {
        const index = next++;
        if (valueOf(await ask(index)) === index) answered++;
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, askOn));
    return answered;
  };
}

/** The last hop of a token. The actor that makes it calls `made`. */
export class Finish {
  made: () => void = () => undefined;
}

/** Sends one token round a ring: `start` passes it to the first actor, with the number of hops. */
export function aroundTheRing(finish: Finish, start: (hops: number) => unknown): Work {
  return (count) =>
    new Promise((resolve) => {
      finish.made = () => resolve(count);
      start(count);
    });
}

/** The element after `index`, cyclically. */
export function nextOf<T>(ring: readonly T[], index: number): T {
  const next = ring[(index + 1) % ring.length];
  if (next === undefined) throw new RangeError('the ring is empty');
  return next;
}
