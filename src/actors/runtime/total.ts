import { ConfigError } from '../../errors.js';
import type { AskStatistics, Histogram } from '../kernel/index.js';
import { addTraffic } from '../transport/index.js';
import type { PartitionActivity } from './metrics.js';
import { addSegments } from './segment-totals.js';

/** The total of several partitions' metrics. */
export function totalOf([first, ...others]: readonly PartitionActivity[]): PartitionActivity {
  if (first === undefined) {
    throw new ConfigError('A runtime has at least one partition.');
  }
  return others.reduce(add, first);
}

function add(left: PartitionActivity, right: PartitionActivity): PartitionActivity {
  return {
    actors: left.actors + right.actors,
    messagesHandled: left.messagesHandled + right.messagesHandled,
    failures: left.failures + right.failures,
    restarts: left.restarts + right.restarts,
    deadLetters: addByName(left.deadLetters, right.deadLetters),
    mailboxes: {
      queued: left.mailboxes.queued + right.mailboxes.queued,
      bytes: left.mailboxes.bytes + right.mailboxes.bytes,
      pastMark: left.mailboxes.pastMark + right.mailboxes.pastMark,
    },
    asks: addAsks(left.asks, right.asks),
    openStreams: left.openStreams + right.openStreams,
    links: {
      ...addTraffic(left.links, right.links),
      count: left.links.count + right.links.count,
      unresponsive: left.links.unresponsive + right.links.unresponsive,
      waitingBytes: left.links.waitingBytes + right.links.waitingBytes,
      protocolErrors: left.links.protocolErrors + right.links.protocolErrors,
    },
    segments: addSegments(left.segments, right.segments),
  };
}

function addAsks(left: AskStatistics, right: AskStatistics): AskStatistics {
  return {
    started: left.started + right.started,
    pending: left.pending + right.pending,
    retries: left.retries + right.retries,
    failed: addByName(left.failed, right.failed),
    latency: addHistograms(left.latency, right.latency),
  };
}

/** Adds histograms with the same bounds. */
function addHistograms(left: Histogram, right: Histogram): Histogram {
  return {
    buckets: left.buckets.map(({ upToSeconds, count }, index) => ({
      upToSeconds,
      count: count + (right.buckets[index]?.count ?? 0),
    })),
    count: left.count + right.count,
    sumSeconds: left.sumSeconds + right.sumSeconds,
  };
}

function addByName<Name extends string>(
  left: Readonly<Partial<Record<Name, number>>>,
  right: Readonly<Partial<Record<Name, number>>>,
): Readonly<Partial<Record<Name, number>>> {
  const sum: Partial<Record<Name, number>> = { ...left };
  for (const name in right) {
    sum[name] = (sum[name] ?? 0) + (right[name] ?? 0);
  }
  return sum;
}
