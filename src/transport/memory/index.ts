/**
 * The pseudo-network: virtual processes and nodes in one thread, joined by links that carry nothing but copied bytes, with
 * faults on demand and a trace. Executors make one and take a Transport of it for each process; it starts no real I/O.
 */
export type { Faults } from './faults.js';
export { MemoryNetwork } from './network.js';
export type { MemoryNetworkOptions, MemoryNetworkStatistics, MemoryTransportOptions } from './network.js';
