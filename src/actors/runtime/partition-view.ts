import type { v1 } from '../../protocol/index.js';
import type { ActorTrouble, MailboxPressure, Unfinished } from '../kernel/index.js';
import type { EventLoopTime } from '../../scheduler/index.js';
import type { LinkHealth } from './health.js';
import type { PartitionMetrics } from './metrics.js';
import type { PartitionRuntime } from './partition-runtime.js';

/**
 * Whether a partition on a thread or in a process of its own answers. `busy`: its event loop has been blocked for more than two seconds. `wedged`: for
 * longer than `linkDeadMs`. One on this event loop is responsive, or nobody could ask.
 */
export type Responsiveness = 'responsive' | 'busy' | 'wedged';

/** The state of a partition, wherever it runs. */
export interface PartitionView {
  readonly state: Responsiveness;
  description(): v1.PartitionDescriptionInit;
  metrics(): PartitionMetrics;
  pressure(): MailboxPressure;
  /** Actors of users that failed. */
  troubles(): readonly ActorTrouble[];
  links(): readonly LinkHealth[];
  unfinished(): Unfinished;
  /** Of its event loop: one on a thread or in a process has said it in its last report. */
  loop(): EventLoopTime;
}

/** The present state of a partition on this event loop. Visits its mailboxes once, however much of it is read. */
export function viewOf(partition: PartitionRuntime): PartitionView {
  let visited: MailboxPressure | undefined;
  const pressure = (): MailboxPressure => {
    visited ??= partition.system.mailboxes();
    return visited;
  };
  return {
    state: 'responsive',
    description: () => partition.describe(),
    metrics: () => metricsOf(partition, pressure()),
    pressure,
    troubles: () => partition.system.troubles,
    links: () => linksOf(partition),
    unfinished: () => partition.system.unfinished(),
    loop: () => partition.loop,
  };
}

function metricsOf(partition: PartitionRuntime, { queued, pastMark }: MailboxPressure): PartitionMetrics {
  const { system, router } = partition;
  const { actors, messages, failures, restarts, deadLettersByReason, asks, openStreams, mailboxBytes } =
    system.statistics;
  const channels = [...router.channels()];
  const { ordinal, index } = partition.place;
  return {
    ordinal,
    index,
    actors,
    messagesHandled: messages,
    failures,
    restarts,
    deadLetters: deadLettersByReason,
    mailboxes: { queued, bytes: mailboxBytes, pastMark },
    asks,
    openStreams,
    links: {
      ...router.traffic(),
      count: channels.length,
      unresponsive: channels.filter(({ link }) => link?.isUnresponsive === true).length,
      waitingBytes: channels.reduce((sum, { lanes }) => sum + lanes.waitingBytes, 0),
      protocolErrors: router.protocolErrors,
    },
    segments: partition.segmentTotals(),
  };
}

function linksOf(partition: PartitionRuntime): LinkHealth[] {
  const { ordinal } = partition.place;
  return [...partition.router.channels()].map((channel) => {
    const { name, isOpen, link, asks, lanes } = channel;
    const { framesSent, framesReceived } = channel.traffic();
    return {
      partition: ordinal,
      peer: name.address === '' ? name.text : name.address,
      state: isOpen ? 'open' : 'opening',
      isUnresponsive: link?.isUnresponsive === true,
      carrier: link?.carrier,
      framesSent,
      framesReceived,
      rings: link?.rings,
      repeats: link?.repeats,
      pendingAsks: asks.size,
      waitingBytes: lanes.waitingBytes,
    };
  });
}
