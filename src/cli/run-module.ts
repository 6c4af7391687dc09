/** One run from its options to its exit code. */
import { importPipeline } from '../actors/runtime/index.js';
import { createLogger, type Logger, MillraceError, type Pipeline, type PipelineRun, silentLogger } from '../index.js';
import { readOptionsFile, type ResolvedOptions, resolveOptions } from '../options/index.js';
import { Cluster } from './cluster.js';
import { ExitCode } from './exit-codes.js';
import { stopAtInterrupt } from './interrupt.js';
import { moduleUrl } from './module-url.js';
import { parseProgramArgs } from './program-args.js';
import { showProgress } from './progress.js';
import type { RunFlags } from './run-options.js';
import { Screen } from './screen.js';
import { replayCommand, type Simulation, simulationOf } from './simulation.js';
import { watchForStandstill } from './standstill.js';
import { type RunSummary, summarize } from './summary.js';
import { TraceFile } from './trace-file.js';

/** Throws ConfigError before anything starts when an option, the module or an argument is wrong. */
export async function runModule(module: string, flags: RunFlags, program: readonly string[]): Promise<number> {
  const simulation = simulationOf(flags);
  const url = moduleUrl(module);
  const args = parseProgramArgs(program);
  const options = resolveOptions({ code: { partitions: flags.partitions }, env: process.env, file: readOptionsFile({ folder: process.cwd() }) });
  const trace = flags.trace === undefined ? undefined : new TraceFile(flags.trace);
  const screen = new Screen({ isStdoutTaken: flags.json });
  const cluster = new Cluster({ values: options.values, simulation, log: loggerOf(options, screen), trace: trace?.write });
  const summary = await run();
  const replay = simulation && replayCommand(module, flags, simulation, cluster.partitions, program);
  report(summary, flags, replay);
  return exitCodeOf(summary);

  async function run(): Promise<RunSummary> {
    try {
      const pipeline = await importPipeline(url, cluster.executor.scheduler);
      if (simulation?.isSeedChosen === true && !flags.quiet) screen.say(`millrace: seed ${simulation.seed}`);
      return await runPipeline(pipeline, { args, instances: flags.instances, isQuiet: flags.quiet, cluster, simulation, screen });
    } finally {
      await cluster.stop();
      screen.close();
      trace?.close();
    }
  }
}

interface Running {
  readonly args: Readonly<Record<string, unknown>>;
  readonly instances: Readonly<Record<string, number>>;
  readonly isQuiet: boolean;
  readonly cluster: Cluster;
  readonly simulation: Simulation | undefined;
  readonly screen: Screen;
}

async function runPipeline(pipeline: Pipeline, { args, instances, isQuiet, cluster, simulation, screen }: Running): Promise<RunSummary> {
  const { scheduler } = cluster.executor;
  const runtime = await cluster.start();
  const startedMs = scheduler.now();
  const run = await runtime.run(pipeline, { args, instances });
  cluster.armCrashes(({ text, node }) => screen.say(`millrace: node ${node} crashes (--crash ${text})`));
  const interrupt = stopAtInterrupt(run, screen);
  const endProgress = isQuiet ? () => {} : showProgress(run, screen);
  const watch = simulation === undefined ? undefined : watchForStandstill(run, scheduler);
  const error = await failureOf(run, watch?.standstill);
  watch?.clear();
  endProgress();
  interrupt.clear();
  return summarize({ run, error, isInterrupted: interrupt.isInterrupted(), seconds: (scheduler.now() - startedMs) / 1_000, simulation, cluster });
}

/** Undefined when the run ended well. */
async function failureOf(run: PipelineRun, standstill: Promise<never> | undefined): Promise<MillraceError | undefined> {
  try {
    await (standstill === undefined ? run.done : Promise.race([run.done, standstill]));
    return undefined;
  } catch (error) {
    if (error instanceof MillraceError) return error;
    throw error;
  }
}

function exitCodeOf({ result }: RunSummary): number {
  switch (result) {
    case 'ok':
      return ExitCode.ok;
    case 'failed':
      return ExitCode.failed;
    case 'stopped':
      return ExitCode.interrupted;
  }
}

function report(summary: RunSummary, { json, quiet }: RunFlags, replay: string | undefined): void {
  const { result, error, crashes, seconds, time, restarts, seed } = summary;
  const say = (line: string): void => void process.stderr.write(`millrace: ${line}\n`);
  for (const { text, hasHappened } of crashes) {
    if (!hasHappened) say(`--crash ${text} did not happen: the run ended after ${seconds} s.`);
  }
  if (result === 'failed') {
    say(error?.message ?? 'the run failed.');
    if (replay !== undefined) say(`replay it with: ${replay}`);
  } else if (!quiet) {
    const times = restarts === 0 ? '' : `, started anew ${restarts === 1 ? 'once' : `${restarts} times`}`;
    say(`${result === 'ok' ? 'done' : 'stopped'} in ${seconds} s${time === 'virtual' ? ' of virtual time' : ''}${times}${seed === undefined ? '' : `, seed ${seed}`}.`);
  }
  if (json) process.stdout.write(`${JSON.stringify({ ...summary, ...(result === 'failed' && replay !== undefined ? { replay } : {}) })}\n`);
}

/** On the command line only what is worth a person's attention is logged, unless they say otherwise. */
function loggerOf({ values, provenance }: ResolvedOptions, screen: Screen): Logger {
  const level = provenance.logLevel.source === 'default' ? 'warn' : values.logLevel;
  return level === 'silent' ? silentLogger : createLogger({ level, format: values.logFormat, destination: screen.log });
}
