/**
 * The pseudo-network: virtual processes and nodes in one thread, with links that carry copied bytes only, injected faults, and a trace.
 * An Executor makes one, and takes a Transport from it for each process. It must never start real I/O.
 */
export type { Faults } from './faults.js';
export { MemoryNetwork } from './network.js';
export type { MemoryNetworkOptions, MemoryNetworkStatistics, MemoryTransportOptions } from './network.js';
