import { limits } from '../../limits.js';
import type { WaitingActor } from './call.js';

type Waiting = Pick<WaitingActor, 'path' | 'isHeld' | 'lastAsk'>;

/** The paths of the actors that wait for one another, from `first` on; undefined where none do, as far as is known in this partition. */
export function waitingCycle(first: Waiting): readonly string[] | undefined {
  const waiting: Waiting[] = [];
  let actor = first;
  while (waiting.length <= limits.callChain) {
    const start = waiting.indexOf(actor);
    if (start >= 0) return [...waiting.slice(start), actor].map(({ path }) => path);
    const { isHeld, lastAsk } = actor;
    if (!isHeld || lastAsk?.isWaitedFor !== true) return undefined;
    waiting.push(actor);
    actor = lastAsk.asked;
  }
  return undefined;
}
