import type { Logger } from '../logging/index.js';
import type { Scheduler } from '../scheduler/index.js';
import type { LinkLibrary, Transport } from '../transport/index.js';
import { type HostResources, hostResources } from './host-resources.js';
import type { HostPartition, PartitionPlan } from './partition-plans.js';
import { ResourceStack } from './resource-stack.js';
import { type RunnableResources, runnableResources } from './runnable-resources.js';
import type { ThreadingResources } from './threading-resources.js';
import type { Device } from './topology/index.js';

/** The native libraries of a partition's thread. */
export interface NativeResources {
  /** Those that links may use. Each is loaded when the first link needs it. */
  readonly libraries: readonly LinkLibrary[];
}

/** The device that belongs to the partition. */
export interface DeviceResources {
  readonly gpu: Device;
}

/** The links between a partition and others. */
export interface NetworkResources {
  readonly transport: Transport;
  close(): Promise<void>;
}

/** All resources of one partition. */
export interface PartitionResources {
  readonly plan: PartitionPlan;
  readonly threading: ThreadingResources;
  readonly runnable: RunnableResources;
  readonly native: NativeResources;
  readonly host: HostResources;
  /** Undefined for partitions without a device. */
  readonly device: DeviceResources | undefined;
  readonly network: NetworkResources;
  /** Closes them in the reverse order of their creation, which is the order of this list. Idempotent. */
  close(): Promise<void>;
}

export interface PartitionResourcesOptions {
  readonly plan: PartitionPlan;
  readonly host: HostPartition;
  readonly threading: ThreadingResources;
  readonly scheduler: Scheduler;
  readonly libraries?: readonly LinkLibrary[];
  readonly transport: (native: NativeResources) => Transport;
  readonly log: Logger;
}

/**
 * Creates a partition's resources, on the thread that it will run on, in an order that callers may rely on: threads, runnable,
 * native libraries, host, device, network. Throws ConfigError for links that strangers could open.
 */
export function partitionResources(options: PartitionResourcesOptions): PartitionResources {
  const { plan, threading, scheduler, libraries = [], transport, log } = options;
  const stack = new ResourceStack();
  stack.add(threading);
  const runnable = stack.add(runnableResources(scheduler, options.host));
  const native = stack.add<NativeResources>({ libraries });
  const host = stack.add(hostResources(options.host, threading.isOwn, log));
  const device = plan.gpu && stack.add<DeviceResources>({ gpu: plan.gpu });
  const network = stack.add(networkResources(transport(native)));
  return { plan, threading, runnable, native, host, device, network, close: () => stack.close() };
}

function networkResources(transport: Transport): NetworkResources {
  return { transport, close: () => transport.close() };
}
