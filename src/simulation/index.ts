/**
 * Workloads that run under faults, on virtual time, from a plan that a seed draws: what has to hold of each run, and how a plan that
 * fails becomes a small one. Programs declare workloads and the command line runs them; nothing in the runtime may know of this.
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
