import type { MillraceError, PipelineRun, SegmentProgress } from '../index.js';
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
}

export function summarize(ended: {
  readonly run: PipelineRun;
  readonly error: MillraceError | undefined;
  readonly isInterrupted: boolean;
  readonly seconds: number;
  readonly simulation: Simulation | undefined;
  readonly cluster: Cluster;
}): RunSummary {
  const { run, error, isInterrupted, seconds, simulation, cluster } = ended;
  return {
    pipeline: run.name,
    result: error === undefined ? 'ok' : isInterrupted ? 'stopped' : 'failed',
    ...(error === undefined || isInterrupted ? {} : { error: { code: error.code, message: error.message } }),
    seconds: Number(seconds.toFixed(3)),
    time: simulation === undefined ? 'real' : 'virtual',
    restarts: run.restarts,
    segments: run.progress(),
    ...(simulation === undefined ? {} : { seed: simulation.seed }),
    crashes: (simulation?.crashes ?? []).map((crash) => ({ text: crash.text, hasHappened: cluster.hasHappened(crash) })),
  };
}
