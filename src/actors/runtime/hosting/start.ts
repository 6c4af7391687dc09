import { ConfigError } from '../../../errors.js';
import type { HostPartition, PartitionPlan } from '../../../resources/index.js';
import type { KernelLimits } from '../../kernel/index.js';
import type { RouterOptions } from '../../transport/index.js';
import type { SegmentHost } from '../segment.js';
import type { LinkSettings } from '../net-options.js';

/** Where the partitions of a process run, but for the first, which always shares the event loop of the program that started it. */
export type Placement = 'inline' | 'thread' | 'process';

/** What a partition on a thread or in a process of its own is told at its start: plain data, copied. */
export interface PartitionStart {
  /** Unique: a partition that begins anew has another. */
  readonly launch: string;
  /** Of the process whose partition it is. */
  readonly incarnation: bigint;
  /** Name of the actor system. */
  readonly name: string;
  readonly plan: PartitionPlan;
  readonly hostPartition: HostPartition;
  /** Modules whose `initialize` runs before anything else of the partition, and whose `finalize` runs after it. */
  readonly initializers: readonly string[];
  /** Where the host is. */
  readonly host: { readonly address: string; readonly cUid: bigint };
  readonly kernelLimits: Partial<KernelLimits>;
  readonly linkLimits: NonNullable<RouterOptions['limits']>;
  readonly streamWindow: SegmentHost['streamWindow'];
  readonly links: LinkSettings;
}

/** ConfigError for anything else than what a host of this version gives. */
export function checkStart(start: unknown): PartitionStart {
  if (isStart(start)) return start;
  throw new ConfigError('A partition was started with something that is no start of a partition.');
}

function isStart(start: unknown): start is PartitionStart {
  return typeof start === 'object' && start !== null && 'launch' in start && 'host' in start && 'links' in start;
}
