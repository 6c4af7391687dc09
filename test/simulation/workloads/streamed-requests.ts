import type { World } from '#src/simulation/index.js';
import type { Errand } from '../services/errands.js';
import { Flow } from '../flow-kinds.js';

/** What a source throws. */
export class Spilt extends Error {}

/** The requests of one call: one that says how they are read, then the numbers below `number`. It may fail instead of number `failsAt`. */
export async function* sourceOf(
  world: World,
  { number, depth, failsAt }: { readonly number: number; readonly depth: number; readonly failsAt: number | undefined },
): AsyncGenerator<Partial<Errand>, void, void> {
  yield { number, depth };
  for (let element = 0; element < number; element++) {
    if (element === failsAt) throw new Spilt('spilt');
    if (depth === Flow.slow) await world.pass(world.below(10));
    yield { number: element };
  }
}

/** What the handlers of one actor share. */
export interface Handling {
  /** None is between two of its reads. */
  isAlone: boolean;
}

/**
 * Reads the requests of one call as the first of them says, and holds that each comes once and in order, and that between two reads no other
 * handler reads.
 */
export async function* taken(
  world: World,
  requests: AsyncIterable<Errand>,
  state: Handling,
): AsyncGenerator<Partial<Errand>, void, void> {
  let how: Errand | undefined;
  let read = 0;
  for await (const request of requests) {
    if (how === undefined) {
      how = request;
      if (how.depth === Flow.failing && how.number > 0 && how.number >> 1 === 0) throw new Error('ran dry');
      if (how.depth === Flow.later && how.number >> 1 === 0) return;
      continue;
    }
    world.check(request.number === read, `request ${read} of a call is ${request.number}`);
    read++;
    if (how.depth === Flow.slow && read % 5 === 0) {
      world.check(state.isAlone, 'two handlers of one actor ran at a time');
      state.isAlone = false;
      await world.pass(world.below(20));
      state.isAlone = true;
    }
    if (how.depth === Flow.failing && read === how.number >> 1) throw new Error('ran dry');
    yield request;
    if (how.depth === Flow.later && read === how.number >> 1) return;
  }
}
