import type { Unfinished } from '../kernel/index.js';
import type { PartitionView } from './partition-view.js';

/** Counts of a runtime's unfinished work. */
export interface RuntimeUnfinished extends Unfinished {
  /** Running pipelines that it has started. */
  readonly pipelines: number;
  /** Segments that run in it, of all pipelines. */
  readonly segments: number;
  /** Calls of `runtime.place` under way. */
  readonly placing: number;
  /** Encoded bytes that wait for a link. */
  readonly unsentBytes: number;
}

export function unfinishedOf(
  partitions: readonly PartitionView[],
  { pipelines, placing }: Pick<RuntimeUnfinished, 'pipelines' | 'placing'>,
): RuntimeUnfinished {
  const left = { messages: 0, handlers: 0, asks: 0, streams: 0, pipelines, segments: 0, placing, unsentBytes: 0 };
  for (const partition of partitions) {
    const { messages, handlers, asks, streams } = partition.unfinished();
    const { segments, links } = partition.metrics();
    left.messages += messages;
    left.handlers += handlers;
    left.asks += asks;
    left.streams += streams;
    left.segments += segments.registered;
    left.unsentBytes += links.waitingBytes;
  }
  return left;
}

export function hasPipelines({ pipelines, segments }: RuntimeUnfinished): boolean {
  return pipelines > 0 || segments > 0;
}

export function isNothing(left: RuntimeUnfinished): boolean {
  return Object.values(left).every((count) => count === 0);
}

/** True where messages from peers may be in transit. */
export function hasPeers(partitions: readonly PartitionView[]): boolean {
  return partitions.some((partition) => {
    const { address } = partition.description();
    return partition.links().some(({ peer }) => peer !== address);
  });
}
