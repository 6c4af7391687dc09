import type { Question, Subject } from '../harness/question.js';
import { populations } from './populations.js';

const AFTER_A_MESSAGE = 'after a message';

/** The heap of an idle actor, including its name and the reference to it. */
export const idleActor: Question = {
  slug: 'idle-actor',
  metric: 'heap of an actor',
  unit: 'bytes',
  isMoreBetter: false,
  sizes: ['never told', AFTER_A_MESSAGE],
  runs: 3,
  peer: 'nact',
  subjects: Object.fromEntries(
    Object.entries(populations).map(([name, start]): [string, Subject] => [
      name,
      async ({ actors }, size) => {
        const population = await start();
        // Once before, so that memory shared by all actors is already allocated.
        await population.grow(actors);
        await population.tellAll();
        await population.end();
        return async () => {
          const before = await heapBytes();
          await population.grow(actors);
          if (size === AFTER_A_MESSAGE) await population.tellAll();
          const after = await heapBytes();
          await population.end();
          return (after - before) / actors;
        };
      },
    ]),
  ),
};

/** A stopped actor becomes garbage only after some turns of the event loop. */
async function heapBytes(): Promise<number> {
  if (globalThis.gc === undefined) throw new Error('the heap can be measured only with --expose-gc');
  for (let turn = 0; turn < 3; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
    globalThis.gc();
  }
  return process.memoryUsage().heapUsed;
}
