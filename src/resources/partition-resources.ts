import type { Logger } from '../logging/index.js';
import type { Scheduler } from '../scheduler/index.js';
import type { LinkLibrary, Transport } from '../transport/index.js';
import { type HostResources, hostResources } from './host-resources.js';
import type { HostPartition, PartitionPlan } from './partition-plans.js';
import { ResourceStack } from './resource-stack.js';
import { type RunnableResources, runnableResources } from './runnable-resources.js';
import type { ThreadingResources } from './threading-resources.js';
import type { Device } from './topology/index.js';

/** UCX, as the thread of a partition uses it. */
export interface UcxResources {
  /** Undefined where links to others are of other kinds only. Loads UCX when the first link needs it. */
  readonly library: LinkLibrary | undefined;
}

/** The device that is the partition's own. */
export interface DeviceResources {
  readonly gpu: Device;
}

/** How a partition reaches others, and they it. */
export interface NetworkResources {
  readonly transport: Transport;
  close(): Promise<void>;
}

/** All that one partition is made of. */
export interface PartitionResources {
  readonly plan: PartitionPlan;
  readonly threading: ThreadingResources;
  readonly runnable: RunnableResources;
  readonly ucx: UcxResources;
  readonly host: HostResources;
  /** Only of partitions with a device. */
  readonly device: DeviceResources | undefined;
  readonly network: NetworkResources;
  /** Closes them in the reverse of the order in which they are listed here, and were made. Idempotent. */
  close(): Promise<void>;
}

export interface PartitionResourcesOptions {
  readonly plan: PartitionPlan;
  readonly host: HostPartition;
  readonly threading: ThreadingResources;
  readonly scheduler: Scheduler;
  readonly library?: LinkLibrary | undefined;
  readonly transport: (ucx: UcxResources) => Transport;
  readonly log: Logger;
}

/**
 * Makes what a partition needs, on the thread that it will run on, in the order that is the contract: threads, runnable, UCX, host, device,
 * network. What the network throws (ResourceError where UCX is required and missing, ConfigError for links open to strangers) is thrown.
 */
export function partitionResources(options: PartitionResourcesOptions): PartitionResources {
  const { plan, threading, scheduler, library, transport, log } = options;
  const made = new ResourceStack();
  made.add(threading);
  const runnable = made.add(runnableResources(scheduler, options.host));
  const ucx = made.add<UcxResources>({ library });
  const host = made.add(hostResources(options.host, threading.isOwn, log));
  const device = plan.gpu && made.add<DeviceResources>({ gpu: plan.gpu });
  const network = made.add(networkResources(transport(ucx)));
  return { plan, threading, runnable, ucx, host, device, network, close: () => made.close() };
}

function networkResources(transport: Transport): NetworkResources {
  return { transport, close: () => transport.close() };
}
