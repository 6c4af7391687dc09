import type { MillraceError, PipelineRun, SegmentProgress, UndeclaredWork } from '../index.js';
import type { Cluster } from './cluster.js';
import type { Simulation } from './simulation.js';

/** What `--json` prints. */
export interface RunSummary {
  readonly pipeline: string;
  readonly result: 'ok' | 'failed' | 'stopped';
  readonly error?: { readonly code: string; readonly message: string };
  /** From the start of the pipeline to its end. */
  readonly seconds: number;
  readonly time: 'real' | 'virtual';
  readonly restarts: number;
  readonly segments: readonly SegmentProgress[];
  readonly seed?: number;
  readonly crashes: readonly { readonly text: string; readonly hasHappened: boolean }[];
  /** Of a simulation: lines of the program that began a real timer or I/O without declaring it. */
  readonly undeclared?: readonly UndeclaredWork[];
}

export interface Ended {
  readonly pipeline: string;
  /** Undefined where it did not come to start. */
  readonly run: PipelineRun | undefined;
  readonly error: MillraceError | undefined;
  readonly isInterrupted: boolean;
  readonly seconds: number;
  readonly simulation: Simulation | undefined;
  readonly cluster: Cluster;
}

export function summarize({ pipeline, run, error, isInterrupted, seconds, simulation, cluster }: Ended): RunSummary {
  return {
    pipeline,
    result: isInterrupted ? 'stopped' : error === undefined ? 'ok' : 'failed',
    ...(error === undefined ? {} : { error: { code: error.code, message: error.message } }),
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
