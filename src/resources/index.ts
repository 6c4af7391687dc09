/**
 * What a process runs on: the machine as a System, its division into partitions, and the pinning of threads. The runtime calls it once,
 * at its start; the threads of partitions pin themselves. Nothing here may know of actors. The folder `execution` starts threads and
 * processes.
 */
export { cpuQuota, usableParallelism } from './cpu-quota.js';
export { type EngineGroup, planEngineGroups } from './engine-groups.js';
export { formatSystem } from './format-system.js';

export type { HostResources } from './host-resources.js';
export { type HostPartition, hostOf, type PartitionPlan } from './partition-plans.js';
export {
  type DeviceResources,
  type NativeResources,
  type NetworkResources,
  type PartitionResources,
  type PartitionResourcesOptions,
  partitionResources,
} from './partition-resources.js';
export { bindMemory, pinThread, processAffinity, threadAffinity } from './pinning.js';
export type { RunnableResources } from './runnable-resources.js';
export { syntheticTopology } from './synthetic.js';
export {
  describeSystem,
  type Machine,
  machineProvider,
  type System,
  type SystemOptions,
  type SystemProvider,
} from './system.js';
export { type SystemResources, type SystemResourcesOptions, systemResources } from './system-resources.js';
export { ownThread, sharedThread, type ThreadingOptions, type ThreadingResources } from './threading-resources.js';
export {
  type CpuSet,
  type Device,
  formatCpuList,
  formatTopology,
  type PartitionStrategy,
  parseCpuList,
  parseStrategy,
  readTopology,
  STRATEGIES,
  type Topology,
  type TopologyObject,
} from './topology/index.js';
