import type { ClusterStore } from '../../cluster-store/index.js';
import type { Logger } from '../../logging/index.js';
import type { SystemOptions, SystemProvider } from '../../resources/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import type { Transport } from '../../transport/index.js';
import type { KernelLimits, SpawnOptions, Tracing, TracingSource } from '../kernel/index.js';
import type { RouterOptions } from '../transport/index.js';
import type { BorrowedFields } from '../values/index.js';
import type { Placement } from './hosting/index.js';
import type { RuntimeInterceptor } from './segment-interceptor.js';
import type { ExternalTransports } from './external-transports.js';
import type { LinkSettings } from './net-options.js';
import type { NetworkSettings } from './network/index.js';

export interface RuntimeOptions {
  /** Name of the node. Default `node-0`. */
  readonly node?: string;
  /** Name of the process. Default `process-0`. */
  readonly name?: string;
  /** The p_uid that the process was launched with. Default: the control plane chooses one. */
  readonly pUid?: bigint;
  readonly system?: SystemOptions;
  readonly provider?: SystemProvider;
  /**
   * Where the partitions after the first run; the first is always on this program's event loop. `inline`: on the same event loop. `thread`:
   * each on a worker thread. `process`: each in a process. Threads and processes are pinned, and connected by links. Default `inline`.
   */
  readonly placement?: Placement;
  /**
   * URLs of modules whose `initialize(plan)` runs on each thread or process before its partition starts, and whose `finalize(plan)` runs
   * after it has ended. Only with a placement other than `inline`.
   */
  readonly initializers?: readonly string[];
  /**
   * The main module of such a thread or process: a `file:` URL or an absolute path. Only a bundle that runs without the package millrace
   * needs it: the output of an entry that imports `millrace/partition`. Default: the module of the package.
   */
  readonly partitionProgram?: string | URL;
  /** Words by which other processes of the cluster choose this one to place actors in: `on: { label: 'gpu' }`. Default: none. */
  readonly labels?: readonly string[];
  /** Actors that may be placed in each of its partitions at a time. Default 65 536. */
  readonly maxPlacedActors?: number;
  /** Address of a control plane to join. Default: this runtime runs a control plane server. */
  readonly controlPlane?: string;
  /**
   * Where the processes of the cluster find the control plane, in place of `controlPlane`: `embedded:PATH`, `nats://host:port/bucket`, or a store that
   * is open, which this runtime closes. The process that has the lease there serves.
   */
  readonly clusterStore?: string | ClusterStore;
  /** With a cluster store: a `candidate` serves the control plane when it is elected, a `member` never does. Default `candidate`. */
  readonly clusterRole?: 'candidate' | 'member';
  /** With a cluster store: what hears that this process serves the control plane, and that it serves it no longer. */
  readonly served?: ServedControlPlane;
  /** With a cluster store: time after which another candidate takes over from a leader that is silent, in ms. Default 2 000, and 5 000 with a store in a file. */
  readonly leaseMs?: number;
  /** The network without a control plane that this process joins; it serves the control plane of its own partitions then. */
  readonly network?: NetworkSettings;
  readonly kernelLimits?: Partial<KernelLimits>;
  readonly linkLimits?: RouterOptions['limits'];
  /** A link of this process on the pseudo-network that is cut for this long ends here as lost, in ms. Default: that of the Executor. */
  readonly linkDeadMs?: number;
  /** Traces the messages of its actors: `openTelemetry()` of `millrace/opentelemetry`. */
  readonly tracing?: TracingSource;
  /** How far each writer of a port may be ahead of its reader. */
  readonly streamWindow?: { readonly items?: number; readonly bytes?: number };
  /** `poisoned`: a borrowed field of a message from another partition is a copy, which reads as 0xdb when it is released. Default `in-place`. */
  readonly borrowedFields?: BorrowedFields;
}

/** Hears of the control plane that a candidate serves. */
export interface ServedControlPlane {
  /** From now on this process serves it, in this term. */
  elected(epoch: bigint): void;
  /** Its right has ended: it stopped, or was silent for too long. */
  deposed(): void;
}

/** What an Executor passes to each of its runtimes. */
export interface RuntimeEnvironment {
  readonly scheduler: Scheduler;
  readonly log: Logger;
  /** Unique for each runtime of the executor. */
  readonly launch: string;
  /** A random number, new for each runtime: distinguishes a process from an earlier one of the same name. */
  readonly incarnation: bigint;
  readonly isLossy: () => boolean;
  /** The cluster store, which the runtime closes. */
  readonly store?: ClusterStore | undefined;
  readonly interceptor: RuntimeInterceptor | undefined;
  readonly tracing: Tracing | undefined;
  transport(partition: number): Transport;
  /** The transports to other processes; undefined where the program has no links to any. */
  readonly external: ExternalTransports | undefined;
  /** The link settings of hosted partitions. */
  readonly links: LinkSettings;
}

/** Options of `runtime.spawn`, besides `args`. */
export interface RuntimeSpawnOptions extends SpawnOptions {
  /** Enters the name in the cluster's registry. */
  readonly register?: boolean;
}
