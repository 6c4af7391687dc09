/**
 * The component network of one process: the pools that it serves, and typed clients that get containers from the nearest pool that has one in time.
 * Pools find each other as members of a group of the control plane. Nothing here may decide how many containers there are.
 */
export type { Acquirer, Lease } from './acquire.js';
export type { ComponentClient, ComponentRequestOptions, ComponentStreamOptions } from './component-client.js';
export { CapacityLimits } from './capacity-limits.js';
export type { ClusterCapacity } from './cluster-capacity.js';
export {
  capacityKey,
  ComponentNetwork,
  componentNetwork,
  everyPoolGroup,
  groupOf,
  poolsKey,
  type SharedCapacity,
  useKey,
} from './component-network.js';
export type { NetworkProgram, NetworkProgramContext } from './network-program.js';
export type { ComponentLoad, ServedComponent, ServedPool, ServeOptions } from './served-pool.js';
export { isSameActor, type KnownPool, type PoolDirectory } from './pool-directory.js';
export { areAsked, isNetworkName, isThrough, reportedInto, summed } from './reached-networks.js';
export type { ReachedNetwork } from './spill-order.js';
export type { Reach, Tolerance } from './tolerance.js';
