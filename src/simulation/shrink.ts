import type { NetworkPlan, Plan } from './plan.js';
import type { Outcome } from './simulate.js';
import type { Invariant } from './violation.js';
import type { Workload } from './workload.js';

export interface Shrinking {
  readonly workload: Workload;
  /** A plan that fails. */
  readonly plan: Plan;
  /** What it violates: a smaller one has to violate the same. */
  readonly invariant: Invariant;
  readonly simulate: (plan: Plan) => Promise<Outcome>;
  /** No further plan is tried when this is true. */
  readonly isEnough: () => boolean;
}

/** A plan that fails in the same way, with fewer faults, calmer frames, and less work; the smallest that was found. */
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
        // From the front again: what was needed before may not be any more.
        break;
      }
    }
  }
  return { plan, runs };
}

/** Plans that are a step smaller, the largest steps first. */
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
