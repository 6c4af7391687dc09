import type { NetworkPlan, Plan } from './plan.js';
import type { Outcome } from './simulate.js';
import type { Invariant } from './violation.js';
import type { Workload } from './workload.js';

export interface Shrinking {
  readonly workload: Workload;
  /** A failing plan. */
  readonly plan: Plan;
  /** The invariant that it violates. A smaller plan must violate the same one. */
  readonly invariant: Invariant;
  readonly simulate: (plan: Plan) => Promise<Outcome>;
  /** Shrinking stops when this returns true. */
  readonly isEnough: () => boolean;
}

/** Finds a smaller plan that fails in the same way: with fewer faults, fewer network faults, and less work. */
export async function shrinkPlan(shrinking: Shrinking): Promise<{ readonly plan: Plan; readonly runs: number }> {
  const { workload, invariant, simulate, isEnough } = shrinking;
  let { plan } = shrinking;
  let runs = 0;
  for (let hasShrunk = true; hasShrunk; ) {
    hasShrunk = false;
    for (const candidate of smaller(plan, workload)) {
      if (isEnough()) return { plan, runs };
      runs++;
      const { violations } = await simulate(candidate);
      if (violations.some((violation) => violation.invariant === invariant)) {
        plan = candidate;
        hasShrunk = true;
        // Start again: a step that did not fail before may fail now.
        break;
      }
    }
  }
  return { plan, runs };
}

/** Yields plans that are one step smaller, the largest steps first. */
function* smaller(plan: Plan, workload: Workload): Generator<Plan> {
  const { faults, network, sizes } = plan;
  for (let length = faults.length; length >= 1; length = length === 1 ? 0 : Math.ceil(length / 2)) {
    for (let from = 0; from < faults.length; from += length) {
      yield { ...plan, faults: faults.toSpliced(from, length) };
    }
  }
  for (const name of CALMED) {
    if (network[name] > 0) yield { ...plan, network: { ...network, [name]: 0 } };
  }
  for (const [name, size] of Object.entries(sizes)) {
    const smallest = workload.sizes[name]?.[0] ?? 0;
    for (const next of new Set([smallest, Math.floor((smallest + size) / 2), size - 1])) {
      if (next < size && next >= smallest) yield { ...plan, sizes: { ...sizes, [name]: next } };
    }
  }
  for (const [index, fault] of faults.entries()) {
    for (const name of ['forMs', 'atMs'] as const) {
      const shorter = Math.floor(fault[name] / 2);
      if (shorter < fault[name]) yield { ...plan, faults: faults.with(index, { ...fault, [name]: shorter }) };
    }
  }
}

const CALMED: readonly (keyof NetworkPlan)[] = ['loss', 'duplicate', 'reorder', 'jitterMs', 'latencyMs'];
