/**
 * The governor: decides how many containers the components of a process have, by strategies that are pure functions. It sets the targets of pools, which start and stop
 * containers themselves. Nothing here may be found by callers of components, or see a request.
 */
export { type ConcurrencyTargetOptions, concurrencyTarget } from './concurrency-target.js';
export { type Explanation, govern, Governor, type GovernorOptions } from './governor.js';
export { checkNodePlugins, type NodePlugins } from './node-plugins.js';
export { type OldestWaitOptions, oldestWait } from './oldest-wait.js';
export type { Decision, PoolObservation, ScalingEvent, ScalingStrategy } from './strategy.js';
export { type UtilisationOptions, utilisation } from './utilisation.js';
