import { Histogram, type HistogramConfiguration } from 'prom-client';
import type { PartitionMetrics, RuntimeMetrics } from '../actors/runtime/index.js';

interface Value {
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
  readonly metricName: string;
}

/** A histogram of ask durations. The runtime has already counted them in buckets, so `observe` is never called. */
export class AskDuration extends Histogram<'partition'> {
  readonly #name: string;
  readonly #snapshot: () => RuntimeMetrics;
  /** Provides the metadata around the values. */
  readonly #empty: Histogram<'partition'>;

  constructor(name: string, snapshot: () => RuntimeMetrics) {
    const help = 'Time from an ask to its reply or failure. Sampled when there are many asks.';
    const configuration: HistogramConfiguration<'partition'> = { name, help, labelNames: ['partition'], registers: [] };
    super(configuration);
    this.#empty = new Histogram(configuration);
    this.#name = name;
    this.#snapshot = snapshot;
  }

  override async get() {
    const values = this.#snapshot().partitions.flatMap((partition) => this.#valuesOf(partition));
    return { ...(await this.#empty.get()), values };
  }

  /** A registry calls this for a histogram. */
  getForPromString() {
    return this.get();
  }

  /** In Prometheus each bucket includes the counts of the smaller ones. */
  #valuesOf({ ordinal: partition, asks: { latency } }: PartitionMetrics): Value[] {
    let upTo = 0;
    const buckets = latency.buckets.map(({ upToSeconds, count }) => {
      upTo += count;
      const le = Number.isFinite(upToSeconds) ? upToSeconds : '+Inf';
      return { labels: { le, partition }, value: upTo, metricName: `${this.#name}_bucket` };
    });
    return [
      ...buckets,
      { labels: { partition }, value: latency.sumSeconds, metricName: `${this.#name}_sum` },
      { labels: { partition }, value: latency.count, metricName: `${this.#name}_count` },
    ];
  }
}
