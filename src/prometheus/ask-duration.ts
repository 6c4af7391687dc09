import { Histogram, type HistogramConfiguration } from 'prom-client';
import type { PartitionMetrics } from '../actors/runtime/index.js';
import type { Sources } from './sources.js';

interface Value {
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
  readonly metricName: string;
}

/** A histogram of ask durations. The runtime has already counted them in buckets, so `observe` is never called. */
export class AskDuration extends Histogram<'partition' | 'process'> {
  readonly #name: string;
  readonly sources: Sources;
  /** Provides the metadata around the values. */
  readonly #empty: Histogram<'partition' | 'process'>;

  constructor(name: string, sources: Sources) {
    const help = 'Time from an ask to its reply or failure. Sampled when there are many asks.';
    const configuration: HistogramConfiguration<'partition' | 'process'> = {
      name,
      help,
      labelNames: ['partition', 'process'],
      registers: [],
    };
    super(configuration);
    this.#empty = new Histogram(configuration);
    this.#name = name;
    this.sources = sources;
  }

  override async get() {
    const values = this.sources
      .snapshots()
      .flatMap(({ labels, metrics }) => metrics.partitions.flatMap((partition) => this.#valuesOf(partition, labels)));
    return { ...(await this.#empty.get()), values };
  }

  /** A registry calls this for a histogram. */
  getForPromString() {
    return this.get();
  }

  /** In Prometheus each bucket includes the counts of the smaller ones. */
  #valuesOf({ index: partition, asks: { latency } }: PartitionMetrics, own: Value['labels']): Value[] {
    const labels = { partition, ...own };
    let upTo = 0;
    const buckets = latency.buckets.map(({ upToSeconds, count }) => {
      upTo += count;
      const le = Number.isFinite(upToSeconds) ? upToSeconds : '+Inf';
      return { labels: { le, ...labels }, value: upTo, metricName: `${this.#name}_bucket` };
    });
    return [
      ...buckets,
      { labels, value: latency.sumSeconds, metricName: `${this.#name}_sum` },
      { labels, value: latency.count, metricName: `${this.#name}_count` },
    ];
  }
}
