import { until } from '../../scheduler/until.js';

export { until };

/** Gives things that must not happen the time to happen. */
export async function someTurns(): Promise<void> {
  for (let turns = 0; turns < 50; turns += 1) await new Promise((resolve) => setImmediate(resolve));
}
