import { ResourceError } from '../errors.js';
import type { Logger } from '../logging/index.js';
import type { HostPartition } from './partition-plans.js';
import { bindMemory } from './pinning.js';
import type { CpuSet } from './topology/index.js';

/** A partition's share of its host partition's memory. */
export interface HostResources {
  /** Index of the host partition. */
  readonly host: number;
  /** NUMA nodes that the memory of this thread is bound to; empty where it is not bound. */
  readonly boundTo: CpuSet;
}

/** Binds future memory allocations of the calling thread where the thread belongs to the partition. Logs a failure. */
export function hostResources({ index, nodes }: HostPartition, ownsThread: boolean, log: Logger): HostResources {
  if (!ownsThread || nodes.length === 0) return { host: index, boundTo: [] };
  try {
    bindMemory(nodes);
    return { host: index, boundTo: nodes };
  } catch (error) {
    if (!(error instanceof ResourceError)) throw error;
    log.warn('the memory of a partition is not bound as planned', { error: error.message });
    return { host: index, boundTo: [] };
  }
}
