import type { Executor } from '../actors/runtime/index.js';

/** What is left of a cluster in which every runtime has stopped or crashed; empty when that is nothing. `timers` are those of nobody else. */
export function leftIn({ started, network }: Executor, timers: number): string {
  const { processes, openLinks, framesInFlight, bytesInFlight } = network.statistics;
  const left: Record<string, number> = { timers, processes, openLinks, framesInFlight, bytesInFlight };
  for (const { node, leftovers } of started) {
    const counts: Readonly<Record<string, number>> = { ...leftovers };
    for (const [what, count] of Object.entries(counts)) {
      left[`${what} of ${node}`] = (left[`${what} of ${node}`] ?? 0) + count;
    }
  }
  return told(left);
}

/** What the runtimes that run hold for messages on their way, in words; empty when that is nothing. */
export function heldIn({ runtimes }: Executor): string {
  const held: Record<string, number> = {};
  for (const { node, leftovers } of runtimes) {
    held[`linkAsks of ${node}`] = leftovers.linkAsks;
    held[`mailboxBytes of ${node}`] = leftovers.mailboxBytes;
  }
  return told(held);
}

function told(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .filter(([, count]) => count !== 0)
    .map(([what, count]) => `${what}: ${count}`)
    .join(', ');
}
