/**
 * Partitions on threads and in child processes. A Runtime creates a host for each partition, which starts, observes and stops it by
 * messages over a link; `program.js` is the main module of the thread or process. Once it has started, neither side may reach the other in
 * any other way.
 */
export { PartitionHosts } from './hosts.js';
export type { Placement } from './start.js';
