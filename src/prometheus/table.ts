import type { PartitionMetrics, RuntimeMetrics } from '../actors/runtime/index.js';

/** One value of a metric, with its labels. */
export interface Sample {
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

/** A metric that is read off a snapshot. Names are without their prefix; a counter never goes down. */
export interface Row {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  readonly labelNames: readonly string[];
  read(metrics: RuntimeMetrics): readonly Sample[];
}

const SECOND_MS = 1_000;

/** Every metric but the histogram. Labels have few values: partitions of this process, codes of errors, reasons and outcomes. */
export const table: readonly Row[] = [
  gauge('actors', 'Actors that have not stopped.', ({ actors }) => actors),
  counter('messages_handled_total', 'Turns of actors: messages, signals and starts.', (each) => each.messagesHandled),
  counter('actor_failures_total', 'Handlers, timers and hooks that failed.', ({ failures }) => failures),
  counter('actor_restarts_total', 'Actors that began anew after a failure.', ({ restarts }) => restarts),
  byName('dead_letters_total', 'Tells that nobody handled.', 'reason', ({ deadLetters }) => deadLetters),
  gauge('mailbox_messages', 'Messages that wait in mailboxes.', ({ mailboxes }) => mailboxes.queued),
  gauge(
    'mailbox_bytes',
    'Encoded bytes of messages from links that wait in mailboxes.',
    (each) => each.mailboxes.bytes,
  ),
  gauge('mailboxes_past_mark', 'Mailboxes so full that senders are to wait.', ({ mailboxes }) => mailboxes.pastMark),
  counter('asks_total', 'Asks that were made.', ({ asks }) => asks.started),
  gauge('asks_pending', 'Asks that wait for their reply.', ({ asks }) => asks.pending),
  byName('ask_failures_total', 'Asks that failed, by the code of the error.', 'code', ({ asks }) => asks.failed),
  gauge('streams_open', 'Ends of streams that are here: those read and those served.', (each) => each.openStreams),
  gauge('links', 'Links that are open, or opening.', ({ links }) => links.count),
  gauge('links_unresponsive', 'Links whose peers are silent.', ({ links }) => links.unresponsive),
  gauge('link_waiting_bytes', 'Encoded bytes that wait for a link.', ({ links }) => links.waitingBytes),
  counter('link_sent_bytes_total', 'Bytes handed to links.', ({ links }) => links.bytesSent),
  counter('link_received_bytes_total', 'Bytes received from links.', ({ links }) => links.bytesReceived),
  counter('link_sent_frames_total', 'Frames handed to links.', ({ links }) => links.framesSent),
  counter('link_received_frames_total', 'Frames received from links.', ({ links }) => links.framesReceived),
  counter('link_sent_envelopes_total', 'Envelopes written for links.', ({ links }) => links.envelopesSent),
  counter('link_received_envelopes_total', 'Envelopes received from links.', ({ links }) => links.envelopesReceived),
  counter('protocol_errors_total', 'Messages of peers that were not understood.', ({ links }) => links.protocolErrors),
  gauge('segments', 'Segments of pipelines that are here.', ({ segments }) => segments.registered),
  gauge('elements_waiting', 'Elements that wait in ports of pipelines.', ({ segments }) => segments.queued),
  counter('elements_read_total', 'Elements that segments have taken.', ({ segments }) => segments.read),
  counter('elements_written_total', 'Elements that segments have written.', ({ segments }) => segments.written),
  {
    name: 'pipelines_running',
    type: 'gauge',
    help: 'Pipelines that this process has started and that run.',
    labelNames: [],
    read: ({ pipelines }) => [{ labels: {}, value: pipelines.running }],
  },
  {
    name: 'pipelines_ended_total',
    type: 'counter',
    help: 'Pipelines that this process has started and that ended.',
    labelNames: ['outcome'],
    read: ({ pipelines: { completed, failed, stopped } }) => samples('outcome', { completed, failed, stopped }),
  },
  {
    name: 'pipeline_restarts_total',
    type: 'counter',
    help: 'Times that a pipeline was started anew.',
    labelNames: [],
    read: ({ pipelines }) => [{ labels: {}, value: pipelines.restarts }],
  },
  {
    name: 'event_loop_seconds_total',
    type: 'counter',
    help: 'Time that the event loop worked (active), and waited for events (idle).',
    labelNames: ['state'],
    read: ({ eventLoop: { activeMs, idleMs } }) =>
      samples('state', { active: activeMs / SECOND_MS, idle: idleMs / SECOND_MS }),
  },
  {
    name: 'event_loop_delay_seconds',
    type: 'gauge',
    help: 'How late turns of the event loop were in the last 10 to 20 s.',
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
        labels: { partition: partition.ordinal, ...labels },
        value,
      })),
    );
  return { name, type: 'counter', help, labelNames: ['partition', label], read };
}

function eachPartition({ partitions }: RuntimeMetrics, value: Value): Sample[] {
  return partitions.map((partition) => ({ labels: { partition: partition.ordinal }, value: value(partition) }));
}

function samples(label: string, values: Readonly<Partial<Record<string, number>>>): Sample[] {
  return Object.entries(values).map(([name, value = 0]) => ({ labels: { [label]: name }, value }));
}
