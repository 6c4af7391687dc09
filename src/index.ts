/**
 * The public API of Millrace. Everything a program needs to embed actors, to run pipelines and to simulate a cluster; generated code
 * imports from `millrace/protocol`.
 */
export {
  type ActorRef,
  type AskOptions,
  type Behavior,
  behavior,
  type Context,
  type DeadLetter,
  type Failure,
  type Later,
  later,
  type SendOptions,
  type SpawnOptions,
  type Stream,
  type StreamOptions,
  type Supervision,
  type Terminated,
  type UntypedRef,
} from './actors/kernel/index.js';
export {
  Executor,
  type ExecutorOptions,
  type Health,
  isPipeline,
  type NetOptions,
  type Output,
  type Pipeline,
  type PipelineBuilder,
  type PipelineArgument,
  type PipelineOptions,
  type PipelineRun,
  type RunStopReport,
  type SegmentPlace,
  type Port,
  pipeline,
  type RunOptions,
  Runtime,
  type RuntimeMetrics,
  type RuntimeOptions,
  type SegmentContext,
  type SegmentOptions,
  type SegmentProgress,
  type SignalOptions,
  type StartOptions,
  stopOnSignals,
  type DrainableServer,
  type DrainHttpOptions,
  drainHttpServer,
  type StopOptions,
  type StopReport,
} from './actors/runtime/index.js';
export * from './errors.js';
export { limits } from './limits.js';
export { createLogger, type Logger, memoryLogger, silentLogger } from './logging/index.js';
export {
  bindMemory,
  describeSystem,
  formatSystem,
  type Machine,
  machineProvider,
  type PartitionPlan,
  type PartitionStrategy,
  pinThread,
  readTopology,
  type System,
  type SystemOptions,
  type SystemProvider,
  syntheticTopology,
  type Topology,
} from './resources/index.js';
export type { UndeclaredWork } from './scheduler/index.js';
