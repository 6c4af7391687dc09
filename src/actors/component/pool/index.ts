/**
 * The pool of containers of one component in one process: requests get a container in the order of their arrival, one at a time. The network creates
 * pools, and the governor sets how many containers each should have. Nothing here may decide that, or know of other pools.
 */
export { ContainerPool, type PoolCounts, type PoolEvent } from './container-pool.js';
export type { ContainerHost } from './containers.js';
export type { PlacedContainer } from './pooled-container.js';
export { type LendingPool, type Lent, type PoolActor, poolBehavior, type ReachingRequest } from './pool-actor.js';
export type { Replacement } from './successors.js';
