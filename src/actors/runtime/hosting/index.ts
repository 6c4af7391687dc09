/**
 * Partitions on threads and in processes of their own. A Runtime makes a host for each, which starts it, has it join, hears from it and ends
 * it by messages over a link; `program.js` is what the thread or process runs. Neither side may reach the other in any other way once it
 * has started.
 */
export { PartitionHosts } from './hosts.js';
export type { Placement } from './start.js';
