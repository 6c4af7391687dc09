/**
 * `millrace/testing`: tools with which users test their actors. It runs a behavior as a pure function, starts a cluster on virtual time,
 * and has probe actors and conditions to wait for. It must not depend on a test framework, and nothing in the runtime may use it.
 */
export type { Answers } from './answers.js';
export { type BehaviorTest, type BehaviorTestOptions, type Handled, testBehavior } from './behavior-test.js';
export type { Asked, Effect, Opened, Told } from './effects.js';
export { createProbe, type Probe, type Received } from './probe.js';
export { EffectsContext, type EffectsWorld, type MessageFields } from './effects-context.js';
export { until, type UntilOptions } from './until.js';
export { virtualCluster, type VirtualCluster, type VirtualClusterOptions } from './virtual-cluster.js';
export { ManualScheduler, RealScheduler, type Scheduler, VirtualScheduler } from '../scheduler/index.js';
