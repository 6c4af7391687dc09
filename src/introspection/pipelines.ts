import { v1 } from '../protocol/index.js';
import type { PipelineShown, SegmentShown } from './cluster-view.js';
import type { WatchedPartition } from './watched-partition.js';

const { COMPLETED, RUNNING, STOPPED, STOPPING, DESTROYED } = v1.LifeCycle;

/** The pipelines that the control plane lists, with what their partitions say of their segments. The last one is first. */
export function pipelinesOf(
  resources: readonly v1.Resource[],
  partitionOf: (ordinal: number) => WatchedPartition | undefined,
): readonly PipelineShown[] {
  const segments = new Map<number, SegmentShown[]>();
  for (const { id, actual, detail, outcome } of resources) {
    if (detail.case !== 'segment') continue;
    const { pipeline, name, instance, partition } = detail.value;
    const known = partitionOf(partition)?.segment(id);
    const { read = 0, written = 0, queued = 0, readRate = 0, writeRate = 0 } = known ?? {};
    const shown = { id, name, instance, partition, state: stateName(actual, outcome) };
    const list = segments.get(pipeline) ?? [];
    list.push({ ...shown, read, written, queued, readRate, writeRate });
    segments.set(pipeline, list);
  }
  const pipelines = resources.flatMap(({ id, actual, outcome, detail }): PipelineShown[] => {
    if (detail.case !== 'pipeline') return [];
    const { name, failure } = detail.value;
    const why = failure ?? (outcome?.result.case === 'failed' ? outcome.result.value : undefined);
    return [
      { id, name, state: stateName(actual, outcome), failure: why?.message ?? '', segments: segments.get(id) ?? [] },
    ];
  });
  return pipelines.reverse();
}

function stateName(state: v1.LifeCycle, outcome: v1.Outcome | undefined): string {
  if (outcome?.result.case === 'failed') return 'failed';
  switch (state) {
    case RUNNING:
      return 'running';
    case COMPLETED:
      return 'completed';
    case STOPPING:
      return 'stopping';
    case STOPPED:
    case DESTROYED:
      return outcome?.result.case === 'ok' ? 'completed' : 'stopped';
    default:
      return state < RUNNING ? 'starting' : 'stopped';
  }
}
