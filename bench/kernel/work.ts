import type { Work } from '../harness/rate.js';

/** Messages in one batch. */
export const BATCH = 1_000;
/** Asks that are under way at the same time. */
export const IN_FLIGHT = 64;
/** Actors in a ring. */
export const RING = 1_000;

/** Where messages end: counts them, and says when as many as were expected have come. */
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

/** Sends in batches; each is handled to the last message before the next begins. */
export function inBatches(counter: Counter, tell: (value: number) => unknown): Work {
  return async (count) => {
    counter.count = 0;
    for (let sent = 0; sent < count; sent += BATCH) {
      const handled = counter.until(sent + BATCH);
      for (let index = 0; index < BATCH; index++) tell(index);
      await handled;
    }
    return counter.count;
  };
}

/** How one asks for the echo of a value, and finds it in the reply. */
export interface Echo<Reply> {
  readonly ask: (value: number) => Promise<Reply>;
  readonly valueOf: (reply: Reply) => number;
}

/** Asks one after the other; a wrong reply is none. */
export function oneByOne<Reply>({ ask, valueOf }: Echo<Reply>): Work {
  return async (count) => {
    let answered = 0;
    for (let index = 0; index < count; index++) {
      if (valueOf(await ask(index)) === index) answered++;
    }
    return answered;
  };
}

/** Asks with many under way at any time. */
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

/** The last of a token's hops; whoever makes it calls `made`. */
export class Finish {
  made: () => void = () => undefined;
}

/** Sends one token round a ring: `start` gives it to the first actor with the number of hops that it is to make. */
export function aroundTheRing(finish: Finish, start: (hops: number) => unknown): Work {
  return (count) =>
    new Promise((resolve) => {
      finish.made = () => resolve(count);
      start(count);
    });
}

/** The element after `index`, in a list that is a ring. */
export function nextOf<T>(ring: readonly T[], index: number): T {
  const next = ring[(index + 1) % ring.length];
  if (next === undefined) throw new RangeError('the ring is empty');
  return next;
}
