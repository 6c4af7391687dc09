import type { EventLoopLoad } from '../../scheduler/index.js';
import type { AskStatistics, DeadLetterReason } from '../kernel/index.js';
import type { Traffic } from '../transport/index.js';
import type { ValueStatistics } from '../values/index.js';
import type { PartitionView } from './partition-view.js';
import type { PipelineCounts } from './pipeline-runs.js';
import type { SegmentTotals } from './segment-totals.js';
import { totalOf } from './total.js';

/** What one partition has done since its start, and its pending work. Includes actors and messages of the runtime itself. */
export interface PartitionActivity {
  /** Actors that have not stopped. */
  readonly actors: number;
  /** Turns of actors: messages, signals and starts. */
  readonly messagesHandled: number;
  /** Handlers, timers and hooks that failed. */
  readonly failures: number;
  /** Restarts of actors after a failure. */
  readonly restarts: number;
  /** Tells that nobody handled. */
  readonly deadLetters: Readonly<Partial<Record<DeadLetterReason, number>>>;
  readonly mailboxes: {
    /** Messages that wait. */
    readonly queued: number;
    /** Bytes of those that arrived over links. */
    readonly bytes: number;
    /** Mailboxes past their high-water mark, whose senders should wait. */
    readonly pastMark: number;
  };
  readonly asks: AskStatistics;
  /** Ends of streams that are here: those read and those served. */
  readonly openStreams: number;
  readonly links: Traffic & {
    /** Links that are open, or opening. */
    readonly count: number;
    /** Links whose peers have sent nothing for `linkDeadMs`. */
    readonly unresponsive: number;
    /** Encoded bytes that wait for a link. */
    readonly waitingBytes: number;
    /** Malformed messages of peers. */
    readonly protocolErrors: number;
  };
  /** Parts of pipelines. */
  readonly segments: SegmentTotals;
}

export interface PartitionMetrics extends PartitionActivity {
  readonly ordinal: number;
  /** Among the partitions of this process, from 0: the same after a restart. */
  readonly index: number;
}

/** A snapshot of a runtime's counters: the total of all partitions, and each partition. Totals never decrease. */
export interface RuntimeMetrics extends PartitionActivity {
  readonly partitions: readonly PartitionMetrics[];
  /** Pipelines that this runtime has started. */
  readonly pipelines: PipelineCounts;
  /** Values that publishers and subscribers of this runtime exchange. */
  readonly values: ValueStatistics;
  readonly eventLoop: EventLoopLoad;
}

export function runtimeMetrics(
  partitions: readonly PartitionView[],
  others: Pick<RuntimeMetrics, 'pipelines' | 'values' | 'eventLoop'>,
): RuntimeMetrics {
  const each = partitions.map((partition) => partition.metrics());
  return { ...totalOf(each), partitions: each, ...others };
}
