import { Histogram, type HistogramConfiguration } from 'prom-client';
import type { PartitionMetrics, RuntimeMetrics } from '../actors/runtime/index.js';

interface Value {
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
  readonly metricName: string;
}

/** The time that asks take. The runtime has counted it in buckets already, so nothing is ever observed here. */
export class AskDuration extends Histogram<'partition'> {
  readonly #name: string;
  readonly #snapshot: () => RuntimeMetrics;
  /** Says what belongs around the values. */
  readonly #empty: Histogram<'partition'>;

  constructor(name: string, snapshot: () => RuntimeMetrics) {
    const help = 'Time from an ask to its reply or failure. Where asks are many, some stand for the others.';
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

  /** What a registry asks a histogram for. */
  getForPromString() {
    return this.get();
  }

  /** Prometheus wants each bucket to hold those before it. */
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
