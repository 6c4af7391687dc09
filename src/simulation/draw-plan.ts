import { randomStream } from '../scheduler/index.js';
import type { Cut, Fault, NetworkPlan, Plan } from './plan.js';
import type { Workload } from './workload.js';

/** A link that is cut for this long ends. Short, so that some cuts end links during the faults and some do not. */
const LINK_DEAD_MS = 1_000;
/** Probability that a run has a given kind of fault. A fault that ends everything would hide bugs, so half of the runs lack it. */
const SHARE_OF_RUNS = 0.5;

/** Draws the plan of a seed: sizes, a network and timed faults, within the ranges of the workload. */
export function drawPlan(workload: Workload, seed: number): Plan {
  const random = randomStream(`${seed}/plan`);
  const sizes = Object.fromEntries(
    Object.entries(workload.sizes).map(([name, [smallest, largest]]) => [
      name,
      smallest + Math.floor(random() * (largest - smallest + 1)),
    ]),
  );
  const network = drawNetwork(workload, random);
  return { seed, sizes, network, faults: drawFaults(workload, sizes['nodes'] ?? 0, random) };
}

export function nodeName(index: number): string {
  return `node-${index}`;
}

function drawNetwork({ faults }: Workload, random: () => number): NetworkPlan {
  const upTo = (most: number, digits: number): number =>
    most > 0 && random() < SHARE_OF_RUNS ? Number((random() * most).toFixed(digits)) : 0;
  return {
    latencyMs: upTo(faults.latencyMs, 0),
    jitterMs: upTo(faults.jitterMs, 1),
    loss: upTo(faults.loss, 3),
    duplicate: upTo(faults.duplicate, 3),
    reorder: upTo(faults.reorder, 3),
    linkDeadMs: LINK_DEAD_MS,
  };
}

function drawFaults({ faults, faultMs }: Workload, nodes: number, random: () => number): Fault[] {
  const first = faults.controlPlane ? 0 : 1;
  const names = Array.from({ length: nodes }, (_, index) => nodeName(index));
  const drawn: Fault[] = [];
  const count = (most: number): number => (random() < SHARE_OF_RUNS ? Math.floor(random() * (most + 1)) : 0);
  const times = (): { atMs: number; forMs: number } => {
    const atMs = Math.floor(random() * faultMs);
    const leftMs = faultMs - atMs;
    // Half uniform, half logarithmic: durations of all orders of magnitude, from 1 ms to all of the time left.
    const forMs = random() < 0.5 ? random() * leftMs : leftMs ** random();
    return { atMs, forMs: Math.max(1, Math.floor(forMs)) };
  };
  for (let crashes = nodes > first ? count(faults.crashes) : 0; crashes > 0; crashes--) {
    drawn.push({ fault: 'crash', node: nodeName(first + Math.floor(random() * (nodes - first))), ...times() });
  }
  const cut = (): Omit<Cut, 'atMs' | 'forMs'> | undefined => {
    // Half of the cuts spare node 0: processes then lose each other but not the control plane, and keep running.
    const cuttable = random() < 0.5 ? names : names.slice(1);
    const sides = cuttable.map(() => random());
    const between = cuttable.filter((_, index) => (sides[index] ?? 1) < 0.4);
    const and = cuttable.filter((_, index) => (sides[index] ?? 0) >= 0.6);
    return between.length > 0 && and.length > 0 ? { fault: 'cut', between, and } : undefined;
  };
  for (let cuts = nodes > 1 ? count(faults.cuts) : 0; cuts > 0; cuts--) {
    const both = cut();
    if (both !== undefined) drawn.push({ ...both, ...times() });
  }
  // Drawn last, and only where a workload has them: what is drawn before does not depend on them.
  for (let cuts = nodes > 1 && faults.oneWayCuts > 0 ? count(faults.oneWayCuts) : 0; cuts > 0; cuts--) {
    const one = cut();
    if (one !== undefined) drawn.push({ ...one, isOneWay: true, ...times() });
  }
  return drawn.sort((left, right) => left.atMs - right.atMs);
}
