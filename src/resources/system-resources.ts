import { type PartitionResources, type PartitionResourcesOptions, partitionResources } from './partition-resources.js';
import { hostOf, type PartitionPlan } from './partition-plans.js';
import type { System } from './system.js';
import type { ThreadingResources } from './threading-resources.js';

/** What one thread runs on: the machine, the thread, and the resources of each partition on it. */
export interface SystemResources {
  readonly system: System;
  readonly threading: ThreadingResources;
  /** In the order of their plans. */
  readonly partitions: readonly PartitionResources[];
}

export interface SystemResourcesOptions extends Omit<PartitionResourcesOptions, 'plan' | 'host' | 'transport'> {
  readonly system: System;
  /** The plans of the partitions on this thread. */
  readonly plans: readonly PartitionPlan[];
  readonly transport: (plan: PartitionPlan) => ReturnType<PartitionResourcesOptions['transport']>;
}

/** Creates the resources of the partitions on this thread. Throws as `partitionResources`. */
export function systemResources(options: SystemResourcesOptions): SystemResources {
  const { system, plans, transport, ...common } = options;
  const partitions = plans.map((plan) =>
    partitionResources({ ...common, plan, host: hostOf(system, plan), transport: () => transport(plan) }),
  );
  return { system, threading: options.threading, partitions };
}
