/**
 * Runs workloads under faults on virtual time. A seed draws the plan of a run; the simulation checks invariants, and shrinks a plan that
 * fails. Programs declare workloads, and the command line runs them. Nothing in the runtime may depend on it.
 */
export { drawPlan } from './draw-plan.js';
export type { SimulatedNode } from './node.js';
export { type Crash, type Cut, type Fault, type NetworkPlan, type Plan, parsePlan } from './plan.js';
export { shrinkPlan, type Shrinking } from './shrink.js';
export { type Outcome, simulate, type SimulateOptions } from './simulate.js';
export type { Invariant, Violation } from './violation.js';
export {
  type FaultRange,
  isWorkload,
  type SizeRange,
  type Workload,
  workload,
  type WorkloadOptions,
} from './workload.js';
export type { World } from './world.js';
