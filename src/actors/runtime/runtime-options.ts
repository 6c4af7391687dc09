import type { Logger } from '../../logging/index.js';
import type { SystemOptions, SystemProvider } from '../../resources/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import type { Transport } from '../../transport/index.js';
import type { KernelLimits, Tracing, TracingSource } from '../kernel/index.js';
import type { RouterOptions } from '../transport/index.js';
import type { RuntimeTap } from './segment-tap.js';

export interface RuntimeOptions {
  /** Name of the node. Default `node-0`. */
  readonly node?: string;
  /** Name of the process. Default `process-0`. */
  readonly name?: string;
  readonly system?: SystemOptions;
  readonly provider?: SystemProvider;
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
  readonly isLossy: () => boolean;
  readonly tap: RuntimeTap | undefined;
  readonly tracing: Tracing | undefined;
  transport(partition: number): Transport;
}
