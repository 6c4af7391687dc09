import { ConfigError } from '../../errors.js';
import type { TracingSource } from '../kernel/index.js';
import { createLogger, type Logger, silentLogger } from '../../logging/index.js';
import { type OptionValues, readLaunch, readOptionsFile, resolveOptions } from '../../options/index.js';
import { Executor } from './executor.js';
import type { Runtime as RuntimeProcess } from './runtime.js';
import type { NetOptions } from './net-options.js';
import { netSettings } from './net-settings.js';
import { runtimeSettings } from './settings.js';
import type { RuntimeOptions } from './runtime-options.js';
import type { RuntimeInterceptor } from './segment-interceptor.js';

/** One process of the cluster: spawns and looks up actors, runs pipelines. */
export type Runtime = RuntimeProcess;

/** The options of docs/options.md, and those that only code can give. */
export interface StartOptions extends Partial<OptionValues> {
  /** Name of the process. Default `process-0`. */
  readonly name?: string;
  /** Default: winston on standard error, from level `logLevel` up. */
  readonly log?: Logger;
  /** Folder of millrace.config.json. Default: the current folder. */
  readonly folder?: string;
  /** A Recorder of `millrace/recording`. */
  readonly interceptor?: RuntimeInterceptor;
  /** See NetOptions. */
  readonly wsServer?: NetOptions['wsServer'];
  /** See RuntimeOptions. */
  readonly initializers?: RuntimeOptions['initializers'];
  /** See RuntimeOptions. */
  readonly partitionProgram?: RuntimeOptions['partitionProgram'];
  /** See RuntimeOptions. */
  readonly labels?: RuntimeOptions['labels'];
  /** See RuntimeOptions. */
  readonly maxPlacedActors?: RuntimeOptions['maxPlacedActors'];
  /** Traces messages: `openTelemetry()` of `millrace/opentelemetry` creates spans. Default: no tracing. */
  readonly tracing?: TracingSource;
}

/** Options of `Runtime.current`. */
export type CurrentOptions = Pick<StartOptions, 'log'>;

export interface RuntimeStarter {
  /**
   * Starts a runtime in this process, on real time: the way to embed Millrace in a service. Options come from code, then from the
   * environment (MILLRACE_*), then from millrace.config.json. Rejects with ConfigError for an unknown or invalid option. Variables that set
   * no option are ignored with one warning.
   *
   *     await using runtime = await Runtime.start({ logLevel: 'warn' });
   *     const ref = runtime.spawn(pricing, { name: 'pricing', register: true });
   *     const { price } = await ref.quote({ symbol: 'ACME' }, { timeoutMs: 100 });
   */
  start(options?: StartOptions): Promise<RuntimeProcess>;
  /**
   * The runtime of this process, which the first call starts. A process that `millrace up` has started joins the run as the process that it was
   * launched as. Elsewhere it is what `Runtime.start()` starts: so one program runs alone and in a cluster. After a stop, the next call starts another. The options are those of the
   * call that starts it.
   *
   *     await using runtime = await Runtime.current();
   */
  current(options?: CurrentOptions): Promise<RuntimeProcess>;
}

/** What a run tells a process that it has started. */
interface Launched {
  readonly pUid?: bigint;
  readonly socketFolder?: string;
}

async function start(options: StartOptions = {}, { pUid, socketFolder }: Launched = {}): Promise<RuntimeProcess> {
  const { name = 'process-0', log, folder = process.cwd(), interceptor, tracing, ...others } = options;
  const { initializers, partitionProgram, labels, maxPlacedActors, wsServer, ...code } = others;
  const { values, notice } = resolveOptions({ code, env: process.env, file: readOptionsFile({ folder }) });
  const { logLevel: level, logFormat: format, linkDeadMs } = values;
  const chosen = log ?? (level === 'silent' ? silentLogger : createLogger({ level, format }));
  if (notice !== undefined) chosen.warn(notice);
  const net = await netSettings(values);
  const executor = new Executor({
    log: chosen,
    linkDeadMs,
    interceptor,
    ...(net && { net: { ...net, ...(socketFolder !== undefined && { socketFolder }), ...(wsServer && { wsServer }) } }),
  });
  return executor.start({
    name,
    ...(pUid !== undefined && { pUid }),
    ...(tracing && { tracing }),
    ...(initializers && { initializers }),
    ...(partitionProgram && { partitionProgram }),
    ...(labels && { labels }),
    ...(maxPlacedActors !== undefined && { maxPlacedActors }),
    ...runtimeSettings(values),
  });
}

/** The runtime of this process, or its start. */
const here: { current?: Promise<RuntimeProcess> } = {};

async function current(options?: CurrentOptions): Promise<RuntimeProcess> {
  const known = here.current;
  if (known === undefined) {
    here.current = startLaunched(options);
    return here.current;
  }
  const runtime = await known.catch(() => undefined);
  if (runtime?.isStopping === false) return runtime;
  if (here.current === known) delete here.current;
  return current(options);
}

async function startLaunched(options?: CurrentOptions): Promise<RuntimeProcess> {
  const launch = readLaunch(process.env);
  if (launch === undefined) return start(options);
  const { processName: name, pUid, runFolder } = launch;
  return start({ ...options, name }, { pUid: BigInt(pUid), socketFolder: runFolder });
}

/** What `new Runtime()` calls, which the compiler refuses and JavaScript does not. */
function refuseNew(): never {
  throw new ConfigError("a runtime is not made with new: start it with await Runtime.start({ logLevel: 'warn' })");
}

export const Runtime: RuntimeStarter = Object.assign(refuseNew.bind(undefined), {
  start: (options?: StartOptions) => start(options),
  current: (options?: CurrentOptions) => current(options),
});
