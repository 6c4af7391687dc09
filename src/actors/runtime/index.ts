/**
 * The runtime: executors, runtimes, partitions, pipelines and their segments and manifolds. Users hold the handles made here; behind
 * each an actor speaks its service. A segment is activated, drained and stopped by messages to its segments manager only.
 */
export { declarePipeline, type SegmentCode } from './builder.js';
export { declaredAs, flagOf, type PipelineArgument } from './declared-args.js';
export { importPipeline } from './definitions.js';
export { Executor, type ExecutorOptions } from './executor.js';
export type { Placement } from './hosting/index.js';
export type { Health, LinkHealth, PartitionHealth, Phase } from './health.js';
export type { PartitionActivity, PartitionMetrics, RuntimeMetrics } from './metrics.js';
export {
  isPipeline,
  type Output,
  type Pipeline,
  type PipelineBuilder,
  type PipelineOptions,
  type Port,
  pipeline,
  type SegmentContext,
  type SegmentOptions,
  type Sink,
  type Source,
  type Stage,
} from './pipeline.js';
export type { PipelineRun, SegmentProgress } from './pipeline-run.js';
export type { PipelineCounts, RunOptions } from './pipeline-runs.js';
export type { RuntimeOptions } from './runtime-options.js';
export { netSettings } from './net-settings.js';
export type { NetOptions } from './net-options.js';
export { runtimeSettings } from './settings.js';
export { Runtime, type StartOptions } from './start.js';
export type { RuntimeTap, TappedSegment } from './segment-tap.js';
export { type DrainableServer, type DrainHttpOptions, drainHttpServer } from './drain-http-server.js';
export { type SignalOptions, type SignalStop, stopOnSignals } from './stop-on-signals.js';
export type { StopOptions, StopReport } from './stopping.js';
