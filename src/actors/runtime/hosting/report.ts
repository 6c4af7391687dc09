import { v1 } from '../../../protocol/index.js';
import { v1 as onDemand } from '../../../protocol/on-demand/index.js';
import type { AskStatistics, DeadLetterReason } from '../../kernel/index.js';
import { NO_TRAFFIC } from '../../transport/index.js';
import type { PartitionMetrics } from '../metrics.js';
import type { PartitionRuntime } from '../partition-runtime.js';
import { type PartitionView, type Responsiveness, viewOf } from '../partition-view.js';
import { NO_SEGMENTS } from '../segment-totals.js';

/** Characters of an error's message in a report, which is sent once a second. */
const TROUBLE_CHARACTERS = 500;

/** Creates the report of a partition to its host. */
export function reportOf(partition: PartitionRuntime, launch: string): onDemand.PartitionReportInit {
  const view = viewOf(partition);
  const { asks, links, segments, deadLetters, failures, restarts, openStreams, mailboxes } = view.metrics();
  const { buckets, count, sumSeconds } = asks.latency;
  const { activeMs: loopActiveMs, idleMs: loopIdleMs } = view.loop();
  return {
    launch,
    description: v1.PartitionDescription.create(view.description()),
    mailboxes: onDemand.MailboxReport.create({ ...mailboxes, fullest: fullestOf(view) }),
    asks: onDemand.AskReport.create({
      started: asks.started,
      pending: asks.pending,
      retries: asks.retries,
      failed: countsOf(asks.failed),
      buckets: buckets.map((bucket) => onDemand.BucketReport.create(bucket)),
      count,
      sumSeconds,
    }),
    links: onDemand.TrafficReport.create(links),
    segments: onDemand.SegmentsReport.create(segments),
    unfinished: onDemand.UnfinishedReport.create(view.unfinished()),
    openLinks: view.links().map(({ carrier, state, rings, repeats, ...link }) => {
      const counters = {
        ...(rings && { rings: v1.RingCounters.create(rings) }),
        ...(repeats && { repeats: v1.RepeatCounters.create(repeats) }),
      };
      return onDemand.LinkReport.create({ ...link, ...carrier, ...counters, isOpen: state === 'open' });
    }),
    failures,
    restarts,
    deadLetters: countsOf(deadLetters),
    openStreams,
    loopActiveMs,
    loopIdleMs,
    troubles: view.troubles().map(({ state, error, ...trouble }) => {
      const text = error.slice(0, TROUBLE_CHARACTERS);
      return onDemand.TroubleReport.create({ ...trouble, hasEnded: state === 'ended', error: text });
    }),
  };
}

/** The state of a partition, from its last report. */
export class ReportedPartition implements PartitionView {
  readonly #ordinal: number;
  readonly #report: onDemand.PartitionReport;

  readonly #state: () => Responsiveness;

  constructor(ordinal: number, report: onDemand.PartitionReport, state: () => Responsiveness) {
    this.#state = state;
    this.#ordinal = ordinal;
    this.#report = report;
  }

  get state(): Responsiveness {
    return this.#state();
  }

  description(): v1.PartitionDescriptionInit {
    return this.#report.description ?? { ordinal: this.#ordinal };
  }

  metrics(): PartitionMetrics {
    const { description, failures, restarts, deadLetters, openStreams, links, segments } = this.#report;
    const { queued, bytes, pastMark } = onDemand.MailboxReport.create(this.#report.mailboxes ?? {});
    return {
      ordinal: this.#ordinal,
      index: description?.index ?? 0,
      actors: description?.actors ?? 0,
      messagesHandled: description?.messages ?? 0,
      failures,
      restarts,
      deadLetters: reasonsOf(deadLetters),
      mailboxes: { queued, bytes, pastMark },
      asks: this.#asks(),
      openStreams,
      links: { ...NO_TRAFFIC, count: 0, unresponsive: 0, waitingBytes: 0, protocolErrors: 0, ...links },
      segments: { ...NO_SEGMENTS, ...segments },
    };
  }

  troubles() {
    return this.#report.troubles.map(({ hasEnded, ...trouble }) => ({
      ...trouble,
      state: hasEnded ? ('ended' as const) : ('restarting' as const),
    }));
  }

  pressure() {
    const { queued, pastMark, fullest } = onDemand.MailboxReport.create(this.#report.mailboxes ?? {});
    return { queued, pastMark, fullest };
  }

  links() {
    return this.#report.openLinks.map(({ isOpen, transport, medium, ...link }) => ({
      ...link,
      partition: this.#ordinal,
      state: isOpen ? ('open' as const) : ('opening' as const),
      carrier: isOpen ? { transport, medium } : undefined,
    }));
  }

  unfinished() {
    return onDemand.UnfinishedReport.create(this.#report.unfinished ?? {});
  }

  loop() {
    return { activeMs: this.#report.loopActiveMs, idleMs: this.#report.loopIdleMs };
  }

  #asks(): AskStatistics {
    const { started, pending, retries, failed, buckets, count, sumSeconds } = onDemand.AskReport.create(
      this.#report.asks ?? {},
    );
    return { started, pending, retries, failed, latency: { buckets, count, sumSeconds } };
  }
}

const REASONS: readonly DeadLetterReason[] = [
  'stopped',
  'unreachable',
  'overflow',
  'unknown method',
  'not taken',
  'malformed',
];

function reasonsOf(counts: Readonly<Record<string, number>>): Partial<Record<DeadLetterReason, number>> {
  const known: Partial<Record<DeadLetterReason, number>> = {};
  for (const reason of REASONS) {
    const count = counts[reason];
    if (count !== undefined) known[reason] = count;
  }
  return known;
}

function fullestOf(view: PartitionView): onDemand.FullMailbox | undefined {
  const { fullest } = view.pressure();
  return fullest && onDemand.FullMailbox.create(fullest);
}

function countsOf(counts: Readonly<Partial<Record<string, number>>>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, count ?? 0]));
}
