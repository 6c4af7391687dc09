import type { Unfinished } from '../kernel/index.js';
import type { PartitionView } from './partition-view.js';

/** Counts of a runtime's unfinished work. */
export interface RuntimeUnfinished extends Unfinished {
  /** Running pipelines that it has started. */
  readonly pipelines: number;
  /** Segments that run in it, of all pipelines. */
  readonly segments: number;
  /** Encoded bytes that wait for a link. */
  readonly unsentBytes: number;
}

export function unfinishedOf(partitions: readonly PartitionView[], pipelines: number): RuntimeUnfinished {
  let left: RuntimeUnfinished = {
    messages: 0,
    handlers: 0,
    asks: 0,
    streams: 0,
    pipelines,
    segments: 0,
    unsentBytes: 0,
  };
  for (const partition of partitions) {
    const { messages, handlers, asks, streams } = partition.unfinished();
    const { segments, links } = partition.metrics();
    left = {
      messages: left.messages + messages,
      handlers: left.handlers + handlers,
      asks: left.asks + asks,
      streams: left.streams + streams,
      pipelines,
      segments: left.segments + segments.registered,
      unsentBytes: left.unsentBytes + links.waitingBytes,
    };
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
