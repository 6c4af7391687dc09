import type { Executor } from '../actors/runtime/index.js';

/** What is left of a cluster in which every runtime has stopped or crashed; empty when that is nothing. `timers` are those of nobody else. */
export function leftIn({ started, network }: Executor, timers: number): string {
  const { processes, openLinks, framesInFlight, bytesInFlight } = network.statistics;
  const left: Record<string, number> = { timers, processes, openLinks, framesInFlight, bytesInFlight };
  for (const { node, leftovers } of started) {
    for (const [what, count] of Object.entries(leftovers)) {
      left[`${what} of ${node}`] = (left[`${what} of ${node}`] ?? 0) + count;
    }
  }
  return Object.entries(left)
    .filter(([, count]) => count !== 0)
    .map(([what, count]) => `${what}: ${count}`)
    .join(', ');
}
