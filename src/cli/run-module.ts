/** One `millrace run`, from its options to its exit code. */
import { fileURLToPath } from 'node:url';
import { importPipeline, netSettings } from '../actors/runtime/index.js';
import { ConfigError, createLogger, type Logger, type ResourceError, silentLogger } from '../index.js';
import { type ResolvedOptions, readOptionsFile, resolveOptions } from '../options/index.js';
import { RecordingFile } from '../recording/index.js';
import { Cluster } from './cluster.js';
import { assertDistinct } from './distinct-files.js';
import { ExitCode } from './exit-codes.js';
import { follow } from './follow.js';
import type { Interrupts } from './interrupts.js';
import { print, say } from './output.js';
import { moduleUrl, ownVersion } from './packages.js';
import { asksForHelp, parseProgramArgs, programHelp } from './program-args.js';
import { type Ended, report } from './run-report.js';
import type { RunFlags } from './run-options.js';
import { Screen } from './screen.js';
import { replayCommand, simulationOf } from './simulation.js';
import { TraceFile } from './trace-file.js';

/** Real time in which everything must stop after a run. After it the process ends anyway. */
const STOP_MS = 30_000;

/** What a command is called with besides its own words. */
export interface Invocation {
  /** The words after `--`. */
  readonly program: readonly string[];
  readonly interrupts: Interrupts;
  /** Whether --verbose asks for the stacks of errors. */
  readonly isVerbose: boolean;
}

/** Resolves to the exit code. Throws ConfigError before anything starts when an option, the module or an argument is wrong. */
export async function runModule(
  module: string,
  flags: RunFlags,
  { program, interrupts, isVerbose }: Invocation,
): Promise<number> {
  const simulation = simulationOf(flags);
  if (simulation !== undefined && flags.dashboard !== undefined) {
    throw new ConfigError('A simulation runs on virtual time, which no page can follow: leave out --dashboard.');
  }
  const url = moduleUrl(module);
  const file = readOptionsFile({ folder: process.cwd() });
  const options = resolveOptions({
    code: { partitions: flags.partitions, placement: flags.placement },
    env: process.env,
    file,
  });
  if (simulation !== undefined && options.values.placement !== 'inline') {
    throw new ConfigError(
      `The placement ${options.values.placement} takes real time, and a simulation runs on virtual time: leave out one of them.`,
    );
  }
  assertDistinct(
    [
      { name: '--trace', path: flags.trace },
      { name: '--record', path: flags.record },
    ],
    [
      { name: 'the module', path: fileURLToPath(url) },
      { name: 'the config file', path: file?.path },
    ],
  );
  const net = await netSettings(options.values);
  const screen = new Screen({ isStdoutTaken: flags.json === true });
  const warn = (failure: ResourceError): void => screen.say(failure.message);
  const trace = flags.trace === undefined ? undefined : new TraceFile(flags.trace, warn);
  const recording = recordingOf(module, flags, simulation?.seed, warn);
  const { values } = options;
  const log = loggerOf(options, screen, isVerbose);
  if (options.notice !== undefined) log.warn(options.notice);
  const cluster = new Cluster({
    values,
    net,
    simulation,
    log,
    trace: trace?.write,
    interceptor: recording?.recorder,
  });
  let ended: Ended | undefined;
  interrupts.begin((text) => screen.say(text));
  try {
    const pipeline = await Promise.race([importPipeline(url, cluster.executor.scheduler), interrupts.happened()]);
    if (pipeline !== undefined && asksForHelp(program, pipeline)) {
      print(programHelp(module, pipeline));
      return ExitCode.ok;
    }
    if (simulation?.isSeedChosen === true && flags.quiet !== true) screen.say(`seed ${simulation.seed}`);
    ended =
      pipeline &&
      (await follow({
        pipeline,
        args: parseProgramArgs(program, pipeline),
        instances: flags.instances,
        isQuiet: flags.quiet === true,
        port: flags.dashboard === true ? 0 : flags.dashboard,
        cluster,
        simulation,
        screen,
        interrupts,
      }));
  } finally {
    await stopInTime(cluster);
    trace?.close();
    recording?.close();
    screen.close();
    interrupts.end();
  }
  // Interrupted before there was a pipeline.
  if (ended === undefined) return interrupts.first?.exitCode ?? ExitCode.internal;
  const replay = simulation && replayCommand({ module, flags, simulation, partitions: cluster.partitions, program });
  const isSilent = interrupts.first !== undefined && interrupts.first.message === undefined;
  if (recording?.isEmpty === true) {
    say(
      `${flags.record} has nothing: no actor or segment that was started is called ${flags.recordActors ?? '*'}. --record-actors takes names or paths, with * for any characters.`,
    );
  }
  const incomplete = [trace?.failure, recording?.failure].filter((failure) => failure !== undefined);
  if (!isSilent) report(ended, flags, { replay, isVerbose, incomplete });
  if (ended.isInterrupted) return interrupts.first?.exitCode ?? ExitCode.interrupted;
  return ended.error === undefined && incomplete.length === 0 ? ExitCode.ok : ExitCode.failed;
}

/** Ends this process where it does not stop. */
export async function stopInTime(cluster: { stop(): Promise<void> }): Promise<void> {
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
  onFailure: (failure: ResourceError) => void,
): RecordingFile | undefined {
  if (record === undefined) {
    if (recordActors !== undefined) throw new ConfigError('--record-actors needs --record FILE.');
    return undefined;
  }
  const actors = recordActors?.split(',') ?? ['*'];
  return new RecordingFile(record, { actors, millraceVersion: ownVersion(), seed, module, onFailure });
}

/** The command logs warnings and errors only, unless the option logLevel is set. */
export function loggerOf({ values, provenance }: ResolvedOptions, screen: Screen, hasStacks: boolean): Logger {
  const level = provenance.logLevel.source === 'default' ? 'warn' : values.logLevel;
  if (level === 'silent') return silentLogger;
  return createLogger({ level, format: values.logFormat, destination: screen.log, hasStacks });
}
