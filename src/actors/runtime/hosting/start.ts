import { ConfigError } from '../../../errors.js';
import type { HostPartition, PartitionPlan } from '../../../resources/index.js';
import type { KernelLimits } from '../../kernel/index.js';
import type { RouterOptions } from '../../transport/index.js';
import type { BorrowedFields } from '../../values/index.js';
import type { SegmentHost } from '../segment.js';
import type { LinkSettings } from '../net-options.js';

/** Where the partitions of a process after the first run; the first always shares the program's event loop. */
export type Placement = 'inline' | 'thread' | 'process';

/** The start data of a partition on a thread or in a process: plain data, copied. */
export interface PartitionStart {
  /** Unique: each restart of a partition has another one. */
  readonly launch: string;
  /** Incarnation of the process that the partition belongs to. */
  readonly incarnation: bigint;
  /** A secret of the partitions of that process. */
  readonly processKey: Uint8Array;
  /** Name of the actor system. */
  readonly name: string;
  readonly plan: PartitionPlan;
  readonly hostPartition: HostPartition;
  /** Modules whose `initialize` runs before anything else of the partition, and whose `finalize` runs after it. */
  readonly initializers: readonly string[];
  /** Address and channel id of the host. */
  readonly host: { readonly address: string; readonly cUid: bigint };
  readonly kernelLimits: Partial<KernelLimits>;
  readonly linkLimits: NonNullable<RouterOptions['limits']>;
  readonly streamWindow: SegmentHost['streamWindow'];
  /** Actors that may be placed there at a time. */
  readonly maxPlacedActors: number;
  readonly borrowedFields: BorrowedFields;
  readonly links: LinkSettings;
  /** The module of its interceptor, and the settings; undefined where it has none. */
  readonly interceptor: { readonly url: string; readonly settings: string } | undefined;
}

/** Throws ConfigError for anything but the start data of this version. */
export function checkStart(start: unknown): PartitionStart {
  if (isStart(start)) return start;
  throw new ConfigError(
    'A partition was started with invalid start data. The installed versions of millrace may differ.',
  );
}

function isStart(start: unknown): start is PartitionStart {
  return typeof start === 'object' && start !== null && 'launch' in start && 'host' in start && 'links' in start;
}
