import { ConfigError } from '../../errors.js';
import type { TracingSource } from '../kernel/index.js';
import { createLogger, type Logger, silentLogger } from '../../logging/index.js';
import { type OptionValues, readOptionsFile, resolveOptions } from '../../options/index.js';
import { Executor } from './executor.js';
import type { Runtime as RuntimeProcess } from './runtime.js';
import { netSettings } from './net-settings.js';
import { runtimeSettings } from './settings.js';
import type { RuntimeOptions } from './runtime-options.js';
import type { RuntimeTap } from './segment-tap.js';

/** One process of the cluster: spawns and looks up actors, runs pipelines. */
export type Runtime = RuntimeProcess;

/** Options of docs/options.md, and what only code can say. */
export interface StartOptions extends Partial<OptionValues> {
  /** Name of the process. Default `process-0`. */
  readonly name?: string;
  /** Default: winston on standard error, from `logLevel` up. */
  readonly log?: Logger;
  /** Folder in which millrace.config.json is looked for. Default: the current one. */
  readonly folder?: string;
  /** A Recorder of `millrace/recording`. */
  readonly tap?: RuntimeTap;
  /** See RuntimeOptions. */
  readonly initializers?: RuntimeOptions['initializers'];
  /** See RuntimeOptions. */
  readonly partitionProgram?: RuntimeOptions['partitionProgram'];
  /** Default: nothing is traced. `openTelemetry()` of `millrace/opentelemetry` makes spans. */
  readonly tracing?: TracingSource;
}

export interface RuntimeStarter {
  /**
   * Starts a runtime of its own in this process, on real time: what a service embeds. Options come from code, then from the environment
   * (MILLRACE_*), then from millrace.config.json. ConfigError for one that is unknown or wrong. Variables that set no option are ignored with one
   * warning.
   *
   *     await using runtime = await Runtime.start({ logLevel: 'warn' });
   *     const ref = runtime.spawn(pricing, { name: 'pricing', register: true });
   *     const { price } = await ref.quote({ symbol: 'ACME' }, { timeoutMs: 100 });
   */
  start(options?: StartOptions): Promise<RuntimeProcess>;
}

async function start({
  name = 'process-0',
  log,
  folder = process.cwd(),
  tap,
  tracing,
  initializers,
  partitionProgram,
  ...code
}: StartOptions = {}): Promise<RuntimeProcess> {
  const { values, notice } = resolveOptions({ code, env: process.env, file: readOptionsFile({ folder }) });
  const { logLevel: level, logFormat: format, linkDeadMs } = values;
  const chosen = log ?? (level === 'silent' ? silentLogger : createLogger({ level, format }));
  if (notice !== undefined) chosen.warn(notice);
  const net = netSettings(values);
  const executor = new Executor({ log: chosen, linkDeadMs, tap, ...(net && { net }) });
  return executor.start({
    name,
    ...(tracing && { tracing }),
    ...(initializers && { initializers }),
    ...(partitionProgram && { partitionProgram }),
    ...runtimeSettings(values),
  });
}

/** What `new Runtime()` calls, which the compiler refuses and JavaScript does not. */
function refuseNew(): never {
  throw new ConfigError("a runtime is not made with new: start it with await Runtime.start({ logLevel: 'warn' })");
}

export const Runtime: RuntimeStarter = Object.assign(refuseNew.bind(undefined), { start });
