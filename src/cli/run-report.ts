/** Reports the end of a run. */
import type { MillraceError, PipelineRun, SegmentProgress, UndeclaredWork } from '../index.js';
import type { Cluster } from './cluster.js';
import { print, say, sayStack } from './output.js';
import type { RunFlags } from './run-options.js';
import type { Simulation } from './simulation.js';

/** How a run ended. */
export interface Ended {
  readonly pipeline: string;
  /** Undefined where it was not started. */
  readonly run: PipelineRun | undefined;
  readonly error: MillraceError | undefined;
  readonly isInterrupted: boolean;
  /** From the start of the pipeline to its end. */
  readonly seconds: number;
  readonly simulation: Simulation | undefined;
  readonly cluster: Cluster;
}

/** What `--json` prints. */
interface RunSummary {
  readonly pipeline: string;
  readonly result: 'ok' | 'failed' | 'stopped';
  readonly error?: ErrorSummary;
  /** From the start of the pipeline to its end. */
  readonly seconds: number;
  readonly time: 'real' | 'virtual';
  readonly restarts: number;
  readonly segments: readonly SegmentProgress[];
  readonly seed?: number;
  readonly crashes: readonly { readonly text: string; readonly hasHappened: boolean }[];
  /** Of a simulation: lines of the program that began a real timer or I/O without declaring it. */
  readonly undeclared?: readonly UndeclaredWork[];
  /** Files of `--trace` and `--record` that could not be written to their end. */
  readonly incomplete?: readonly ErrorSummary[];
}

interface ErrorSummary {
  readonly code: string;
  readonly message: string;
}

/** What `report` needs besides the end of the run. */
export interface ReportContext {
  /** The command that repeats a simulation. */
  readonly replay: string | undefined;
  readonly isVerbose: boolean;
  /** Why files beside the run are incomplete. These were said when they happened. */
  readonly incomplete: readonly MillraceError[];
}

/** Says how a run ended: to people on standard error, and with --json to programs on standard output. */
export function report(
  ended: Ended,
  { json = false, quiet = false }: RunFlags,
  { replay, isVerbose, incomplete }: ReportContext,
): void {
  const summary = summarize(ended);
  const { result, error, crashes, seconds, undeclared = [] } = summary;
  const hasFailed = result === 'failed';
  for (const { text, hasHappened } of crashes) {
    if (!hasHappened) say(`--crash ${text} did not happen: the run ended after ${seconds} s.`);
  }
  for (const { type, place } of undeclared) {
    say(`${place} began real work (${type}) without declaring it. Give it to context.outside, or a replay may differ.`);
  }
  if (hasFailed) {
    say(error?.message ?? 'the run failed.');
    if (isVerbose) sayStack(ended.error);
    if (replay !== undefined) say(`replay it with: ${replay}`);
  } else if (!quiet) {
    say(`${result === 'ok' ? 'done' : 'stopped'} in ${details(summary)}.`);
  }
  const printed: RunSummary & { readonly replay?: string } = {
    ...summary,
    ...(incomplete.length > 0 && { incomplete: incomplete.map(summaryOf) }),
    ...(hasFailed && replay !== undefined && { replay }),
  };
  if (json) print(JSON.stringify(printed));
}

function details({ seconds, time, restarts, seed }: RunSummary): string {
  return [
    `${seconds} s${time === 'virtual' ? ' of virtual time' : ''}`,
    ...(restarts === 0 ? [] : [`restarted ${restarts === 1 ? 'once' : `${restarts} times`}`]),
    ...(seed === undefined ? [] : [`seed ${seed}`]),
  ].join(', ');
}

function summarize({ pipeline, run, error, isInterrupted, seconds, simulation, cluster }: Ended): RunSummary {
  return {
    pipeline,
    result: isInterrupted ? 'stopped' : error === undefined ? 'ok' : 'failed',
    ...(error === undefined ? {} : { error: summaryOf(error) }),
    seconds,
    time: simulation === undefined ? 'real' : 'virtual',
    restarts: run?.restarts ?? 0,
    segments: run?.progress() ?? [],
    ...(simulation === undefined ? {} : { seed: simulation.seed, undeclared: cluster.undeclared }),
    crashes: (simulation?.crashes ?? []).map((crash) => ({
      text: crash.text,
      hasHappened: cluster.hasHappened(crash),
    })),
  };
}

function summaryOf({ code, message }: MillraceError): ErrorSummary {
  return { code, message };
}
