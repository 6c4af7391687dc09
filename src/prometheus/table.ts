import type { PartitionMetrics, RuntimeMetrics } from '../actors/runtime/index.js';

/** One value of a metric, with its labels. */
export interface Sample {
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

/** A metric that is read from a snapshot. Names are without the prefix. A counter never decreases. */
export interface Row {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  readonly labelNames: readonly string[];
  readonly read: (metrics: RuntimeMetrics) => readonly Sample[];
}

const SECOND_MS = 1_000;

/** All metrics except the histogram. Labels have few values: partitions of this process, error codes, reasons and outcomes. */
export const table: readonly Row[] = [
  gauge('actors', 'Actors that have not stopped.', ({ actors }) => actors),
  counter('messages_handled_total', 'Turns of actors: messages, signals and starts.', (each) => each.messagesHandled),
  counter(
    'actor_failures_total',
    'Handlers, timers, hooks and deferred replies that failed.',
    ({ failures }) => failures,
  ),
  counter('actor_restarts_total', 'Actors that restarted after a failure.', ({ restarts }) => restarts),
  byName('dead_letters_total', 'Tells that nobody handled.', 'reason', ({ deadLetters }) => deadLetters),
  gauge('mailbox_messages', 'Messages waiting in mailboxes.', ({ mailboxes }) => mailboxes.queued),
  gauge('mailbox_bytes', 'Encoded bytes of messages from links, waiting in mailboxes.', (each) => each.mailboxes.bytes),
  gauge(
    'mailboxes_past_mark',
    'Mailboxes above the mark at which senders should wait.',
    ({ mailboxes }) => mailboxes.pastMark,
  ),
  counter('asks_total', 'Asks sent.', ({ asks }) => asks.started),
  counter('ask_retries_total', 'Asks made again by retrying.', ({ asks }) => asks.retries),
  gauge('asks_pending', 'Asks waiting for their reply.', ({ asks }) => asks.pending),
  byName('ask_failures_total', 'Asks that failed, by the code of the error.', 'code', ({ asks }) => asks.failed),
  gauge('streams_open', 'Open streams of this partition: read and served.', (each) => each.openStreams),
  gauge('links', 'Links that are open or opening.', ({ links }) => links.count),
  gauge('links_unresponsive', 'Links whose peers are unresponsive.', ({ links }) => links.unresponsive),
  gauge('link_waiting_bytes', 'Encoded bytes waiting for a link.', ({ links }) => links.waitingBytes),
  counter('link_sent_bytes_total', 'Bytes sent on links.', ({ links }) => links.bytesSent),
  counter('link_received_bytes_total', 'Bytes received from links.', ({ links }) => links.bytesReceived),
  counter('link_sent_frames_total', 'Frames sent on links.', ({ links }) => links.framesSent),
  counter('link_received_frames_total', 'Frames received from links.', ({ links }) => links.framesReceived),
  counter('link_sent_envelopes_total', 'Envelopes sent on links.', ({ links }) => links.envelopesSent),
  counter('link_received_envelopes_total', 'Envelopes received from links.', ({ links }) => links.envelopesReceived),
  counter('link_returned_tells_total', 'Tells received that no actor handled.', ({ links }) => links.tellsReturned),
  counter('protocol_errors_total', 'Invalid messages received from peers.', ({ links }) => links.protocolErrors),
  gauge('segments', 'Pipeline segments in this partition.', ({ segments }) => segments.registered),
  gauge('elements_waiting', 'Elements waiting in pipeline ports.', ({ segments }) => segments.queued),
  counter('elements_read_total', 'Elements read by segments.', ({ segments }) => segments.read),
  counter('elements_written_total', 'Elements written by segments.', ({ segments }) => segments.written),
  {
    name: 'pipelines_running',
    type: 'gauge',
    help: 'Running pipelines that this process has started.',
    labelNames: [],
    read: ({ pipelines }) => [{ labels: {}, value: pipelines.running }],
  },
  {
    name: 'pipelines_ended_total',
    type: 'counter',
    help: 'Ended pipelines that this process has started.',
    labelNames: ['outcome'],
    read: ({ pipelines: { completed, failed, stopped } }) => samples('outcome', { completed, failed, stopped }),
  },
  {
    name: 'pipeline_restarts_total',
    type: 'counter',
    help: 'Restarts of pipelines.',
    labelNames: [],
    read: ({ pipelines }) => [{ labels: {}, value: pipelines.restarts }],
  },
  {
    name: 'event_loop_seconds_total',
    type: 'counter',
    help: 'Time that the event loop was active, and idle.',
    labelNames: ['state'],
    read: ({ eventLoop: { activeMs, idleMs } }) =>
      samples('state', { active: activeMs / SECOND_MS, idle: idleMs / SECOND_MS }),
  },
  {
    name: 'event_loop_delay_seconds',
    type: 'gauge',
    help: 'Delay of event loop turns during the last 10 to 20 s.',
    labelNames: ['statistic'],
    read: ({ eventLoop: { delayMs } }) =>
      samples('statistic', {
        mean: delayMs.mean / SECOND_MS,
        p99: delayMs.p99 / SECOND_MS,
        max: delayMs.max / SECOND_MS,
      }),
  },
];

type Value = (partition: PartitionMetrics) => number;

function counter(name: string, help: string, value: Value): Row {
  return { name, type: 'counter', help, labelNames: ['partition'], read: (metrics) => eachPartition(metrics, value) };
}

function gauge(name: string, help: string, value: Value): Row {
  return { name, type: 'gauge', help, labelNames: ['partition'], read: (metrics) => eachPartition(metrics, value) };
}

function byName(
  name: string,
  help: string,
  label: string,
  values: (partition: PartitionMetrics) => Readonly<Partial<Record<string, number>>>,
): Row {
  const read = ({ partitions }: RuntimeMetrics): Sample[] =>
    partitions.flatMap((partition) =>
      samples(label, values(partition)).map(({ labels, value }) => ({
        labels: { partition: partition.index, ...labels },
        value,
      })),
    );
  return { name, type: 'counter', help, labelNames: ['partition', label], read };
}

function eachPartition({ partitions }: RuntimeMetrics, value: Value): Sample[] {
  return partitions.map((partition) => ({ labels: { partition: partition.index }, value: value(partition) }));
}

function samples(label: string, values: Readonly<Partial<Record<string, number>>>): Sample[] {
  return Object.entries(values).map(([name, value = 0]) => ({ labels: { [label]: name }, value }));
}
