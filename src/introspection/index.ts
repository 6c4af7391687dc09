/**
 * `millrace/introspection`: what a whole cluster does, from one of its runtimes or from outside. It asks the introspection actor of each partition, joins
 * the answers with what the control plane knows, and computes rates. The page, the command line and programs use it. Nothing is measured once it is closed.
 */
export { ClusterWatch, type WatchOptions } from './cluster-watch.js';
export type {
  ActorShown,
  ClusterView,
  EventShown,
  LinkShown,
  NameShown,
  PartitionShown,
  PipelineShown,
  PoolShown,
  ProcessShown,
  SegmentShown,
} from './cluster-view.js';
export type { Explained, ExplainedFact, ExplainOptions } from '../actors/runtime/survey/index.js';
export { watchCluster } from './watch-cluster.js';
