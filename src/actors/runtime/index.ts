/**
 * The runtime: executors, runtimes, partitions, pipelines and their segments and manifolds. Users and the command line call it; it
 * assembles the folders below it. It must control a segment only by messages to the segments manager of its partition, never directly.
 */
export { declarePipeline, messageTypeOf, type SegmentCode } from './builder.js';
export { declaredAs, flagOf, type PipelineArgument } from './declared-args.js';
export { importPipeline } from './definitions.js';
export { Executor, type ExecutorOptions } from './executor.js';
export type { GroupListener } from './groups/index.js';
export type { Placement } from './hosting/index.js';
export type { Health, LinkHealth, PartitionHealth, Phase } from './health.js';
export type { PartitionActivity, PartitionMetrics, RuntimeMetrics } from './metrics.js';
export {
  isPipeline,
  moduleUrl,
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
  type ValuePort,
  type ValueSink,
  type ValueStage,
} from './pipeline.js';
export type { Values } from '../values/index.js';
export type { PipelineRun, RunStopReport, SegmentPlace, SegmentProgress } from './pipeline-run.js';
export {
  checkOn,
  type Component,
  type ComponentOptions,
  component,
  isComponent,
  type Making,
  makingOf,
  PLACE_ON,
} from './placing/index.js';
export type { PipelineCounts, RunOptions } from './pipeline-runs.js';
export type { MemberOfNetwork, NetworkDescription, NetworkSettings, UnansweredSeed } from './network/index.js';
export type { RuntimeOptions, RuntimeSpawnOptions, ServedControlPlane } from './runtime-options.js';
export type { NameListener } from './name-watches.js';
export type { RegisterOptions } from './registered-names.js';
export { netSettings } from './net-settings.js';
export type { NetOptions } from './net-options.js';
export { runtimeSettings } from './settings.js';
export { Runtime, type StartOptions } from './start.js';
export type { Explained, ExplainedFact, ExplainOptions } from './survey/explain.js';
export type {
  InterceptedSegment,
  InterceptorElsewhere,
  OpenedInterceptor,
  OpenInterceptor,
  RuntimeInterceptor,
} from './segment-interceptor.js';
export { type DrainableServer, type DrainHttpOptions, drainHttpServer } from './drain-http-server.js';
export { type SignalOptions, type SignalStop, stopOnSignals } from './stop-on-signals.js';
export type {
  MessagesOptions,
  SubscribeOptions,
  Topic,
  TopicHandler,
  TopicSubscription,
} from './topics/index.js';
export type { StopOptions, StopReport } from './stopping.js';
