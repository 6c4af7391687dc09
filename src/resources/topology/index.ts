/**
 * A machine as data: what hwloc's XML says of its processors, memory and devices, and how that is divided into domains. Everything
 * here is a pure function of its arguments, so that any machine can be looked at on any other; the System asks it, and the command
 * line prints it. It never calls a native library and never reads a file.
 */
export {
  type CpuSet,
  cpuSet,
  formatCpuList,
  intersection,
  MAX_CPU,
  overlaps,
  parseCpuList,
  union,
  without,
} from './cpu-set.js';
export { type Device, devicesOf } from './devices.js';
export { countOf, domains, type PartitionStrategy, parseStrategy, STRATEGIES, share } from './domains.js';
export { formatTopology } from './format.js';
export { frozen } from './frozen.js';
export { matchDevices } from './match-devices.js';
export { nodesOf } from './memory-nodes.js';
export { readTopology } from './read-topology.js';
export { type CpuKind, objectsOf, type Topology, type TopologyObject } from './topology.js';
