/**
 * What a process runs on: the machine as a System, divided into partitions. The runtime asks for it once, at its start; nothing here
 * starts threads or reserves memory yet.
 */
export {
  describeSystem,
  machineProvider,
  type PartitionPlan,
  parseCpuList,
  type System,
  type SystemOptions,
  type SystemProvider,
} from './system.js';
