import type { Executor } from '../actors/runtime/index.js';

/** Describes what is left of a cluster after every runtime has stopped or crashed; empty if nothing is. `timers`: timers of the cluster. */
export function leftoversOf({ started, network }: Executor, timers: number): string {
  const { processes, openLinks, framesInFlight, bytesInFlight } = network.statistics;
  const left: Record<string, number> = { timers, processes, openLinks, framesInFlight, bytesInFlight };
  for (const { node, leftovers } of started) {
    const counts: Readonly<Record<string, number>> = { ...leftovers };
    for (const [what, count] of Object.entries(counts)) {
      left[`${what} of ${node}`] = (left[`${what} of ${node}`] ?? 0) + count;
    }
  }
  return describe(left);
}

/** Describes what the running runtimes hold for messages in transit; empty if nothing. */
export function heldResourcesOf({ runtimes }: Executor): string {
  const held: Record<string, number> = {};
  for (const { node, leftovers } of runtimes) {
    held[`linkAsks of ${node}`] = leftovers.linkAsks;
    held[`mailboxBytes of ${node}`] = leftovers.mailboxBytes;
  }
  return describe(held);
}

function describe(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .filter(([, count]) => count !== 0)
    .map(([what, count]) => `${what}: ${count}`)
    .join(', ');
}
