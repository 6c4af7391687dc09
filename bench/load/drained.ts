import { setTimeout as sleep } from 'node:timers/promises';
import type { LoadClient } from './peer.js';
import type { Done } from './work.js';

/** Time without progress after which nothing more is expected, in ms. */
const QUIET_MS = 200;

/** All that is done from the last balance on, until nothing is left to do: what waits at a receiver is done after its senders have ended. */
export async function drained(client: LoadClient): Promise<Done> {
  let total: Done = { worked: 0, taken: [], peakBytes: 0 };
  for (let isDone = false; !isDone; ) {
    await sleep(QUIET_MS);
    const next = await client.balance();
    isDone = next.worked === 0 && next.taken.every((count) => count === 0);
    total = {
      worked: total.worked + next.worked,
      taken: next.taken.map((count, sender) => count + (total.taken[sender] ?? 0)),
      peakBytes: Math.max(total.peakBytes, next.peakBytes),
    };
  }
  return total;
}
