/** One run, from its options to its exit code. */
import { importPipeline } from '../actors/runtime/index.js';
import { ConfigError, createLogger, type Logger, silentLogger } from '../index.js';
import { type ResolvedOptions, readOptionsFile, resolveOptions } from '../options/index.js';
import { RecordingFile } from '../recording/index.js';
import { Cluster } from './cluster.js';
import { ExitCode } from './exit-codes.js';
import { follow } from './follow.js';
import type { Interrupts } from './interrupts.js';
import { moduleUrl } from './module-url.js';
import { say } from './output.js';
import { ownVersion } from './own-version.js';
import { parseProgramArgs } from './program-args.js';
import { report } from './report.js';
import type { RunFlags } from './run-options.js';
import { Screen } from './screen.js';
import { replayCommand, simulationOf } from './simulation.js';
import type { RunSummary } from './summary.js';
import { TraceFile } from './trace-file.js';

/** Real time in which everything must stop after a run; then the process ends all the same. */
const STOP_MS = 30_000;

/** Resolves to the exit code. Throws ConfigError before anything starts when an option, the module or an argument is wrong. */
export async function runModule(
  module: string,
  flags: RunFlags,
  program: readonly string[],
  interrupts: Interrupts,
): Promise<number> {
  const simulation = simulationOf(flags);
  const url = moduleUrl(module);
  const args = parseProgramArgs(program);
  const options = resolveOptions({
    code: { partitions: flags.partitions, placement: flags.placement },
    env: process.env,
    file: readOptionsFile({ folder: process.cwd() }),
  });
  const trace = flags.trace === undefined ? undefined : new TraceFile(flags.trace);
  const recording = recordingOf(module, flags, simulation?.seed);
  const screen = new Screen({ isStdoutTaken: flags.json === true });
  const { values } = options;
  const log = loggerOf(options, screen);
  if (options.notice !== undefined) log.warn(options.notice);
  const cluster = new Cluster({
    values,
    simulation,
    log,
    trace: trace?.write,
    tap: recording?.recorder,
  });
  let summary: RunSummary | undefined;
  interrupts.begin((text) => screen.say(text));
  try {
    const pipeline = await Promise.race([importPipeline(url, cluster.executor.scheduler), interrupts.happened()]);
    if (simulation?.isSeedChosen === true && flags.quiet !== true) screen.say(`seed ${simulation.seed}`);
    summary =
      pipeline &&
      (await follow({
        pipeline,
        args,
        instances: flags.instances,
        isQuiet: flags.quiet === true,
        cluster,
        simulation,
        screen,
        interrupts,
      }));
  } finally {
    await stopInTime(cluster);
    screen.close();
    trace?.close();
    recording?.close();
    interrupts.end();
  }
  // Interrupted before there was a pipeline.
  if (summary === undefined) return interrupts.first?.exitCode ?? ExitCode.internal;
  const replay = simulation && replayCommand({ module, flags, simulation, partitions: cluster.partitions, program });
  const isSilent = interrupts.first !== undefined && interrupts.first.message === undefined;
  if (!isSilent) report(summary, flags, replay);
  return summary.result === 'stopped' && interrupts.first !== undefined
    ? interrupts.first.exitCode
    : exitCodeOf(summary);
}

async function stopInTime(cluster: Cluster): Promise<void> {
  const timer = setTimeout(() => {
    say(`The run did not stop within ${STOP_MS / 1_000} s, and was ended.`);
    process.exit(ExitCode.internal);
  }, STOP_MS);
  await cluster.stop();
  clearTimeout(timer);
}

function recordingOf(
  module: string,
  { record, recordActors }: RunFlags,
  seed: number | undefined,
): RecordingFile | undefined {
  if (record === undefined) {
    if (recordActors !== undefined) throw new ConfigError('--record-actors needs --record FILE.');
    return undefined;
  }
  const actors = recordActors?.split(',') ?? ['*'];
  return new RecordingFile(record, { actors, millraceVersion: ownVersion(), seed, module });
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

/** On the command line only what is worth a person's attention is logged, unless they say otherwise. */
function loggerOf({ values, provenance }: ResolvedOptions, screen: Screen): Logger {
  const level = provenance.logLevel.source === 'default' ? 'warn' : values.logLevel;
  if (level === 'silent') return silentLogger;
  return createLogger({ level, format: values.logFormat, destination: screen.log });
}
