import type { Logger } from '../../logging/index.js';
import type { SystemOptions, SystemProvider } from '../../resources/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import type { LinkLibrary, Transport } from '../../transport/index.js';
import type { KernelLimits, Tracing, TracingSource } from '../kernel/index.js';
import type { RouterOptions } from '../transport/index.js';
import type { Placement } from './hosting/index.js';
import type { RuntimeTap } from './segment-tap.js';
import type { LinkSettings } from './net-options.js';

export interface RuntimeOptions {
  /** Name of the node. Default `node-0`. */
  readonly node?: string;
  /** Name of the process. Default `process-0`. */
  readonly name?: string;
  readonly system?: SystemOptions;
  readonly provider?: SystemProvider;
  /**
   * Where partitions run, but for the first, which is always on the event loop of this program. `inline`: there, too. `thread`: each on a worker
   * thread. `process`: each in a process of its own. The latter two are pinned to their processors, and joined by links. Default `inline`.
   */
  readonly placement?: Placement;
  /**
   * URLs of modules whose `initialize(plan)` runs on each thread or process before its partition is there, and whose `finalize(plan)` runs when it
   * is gone. Only with a placement other than `inline`.
   */
  readonly initializers?: readonly string[];
  /**
   * The module that such a thread or process runs: a `file:` URL or an absolute path. Only a bundle that runs without the package millrace needs it: the
   * output of an entry that imports `millrace/partition`. Default: the module of the package.
   */
  readonly partitionProgram?: string | URL;
  /** Address of a control plane to join. Default: this runtime serves one. */
  readonly controlPlane?: string;
  readonly kernelLimits?: Partial<KernelLimits>;
  readonly linkLimits?: RouterOptions['limits'];
  /** What watches the messages of its actors: `openTelemetry()` of `millrace/opentelemetry`. */
  readonly tracing?: TracingSource;
  /** What each writer of a port may send ahead of its reader. */
  readonly streamWindow?: { readonly items?: number; readonly bytes?: number };
}

/** What an Executor gives to each of its runtimes. */
export interface RuntimeEnvironment {
  readonly scheduler: Scheduler;
  readonly log: Logger;
  /** Unique for each runtime of the executor. */
  readonly launch: string;
  /** A random number, new for each runtime: it tells a process from one of the same name that is gone. */
  readonly incarnation: bigint;
  readonly isLossy: () => boolean;
  readonly tap: RuntimeTap | undefined;
  readonly tracing: Tracing | undefined;
  transport(partition: number): Transport;
  /** UCX, for the thread of this program; undefined where it has no links out of it. */
  readonly library: LinkLibrary | undefined;
  /** How hosted partitions reach others. */
  readonly links: LinkSettings;
}
