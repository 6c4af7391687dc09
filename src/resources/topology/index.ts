/**
 * A machine as data: its processors, memory and devices, read from hwloc's XML, and their division into domains. The System uses it, and
 * the command line prints it. Everything here is a pure function, so that any machine can be examined on any other; it must never call
 * a native library or read a file.
 */
export { MAX_CPU, parseCpuList } from '../../cpu-list.js';
export {
  type CpuSet,
  cpuSet,
  formatCpuList,
  intersection,
  overlaps,
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
