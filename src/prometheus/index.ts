/**
 * `millrace/prometheus`: the metrics of a runtime for prom-client, which the user installs. Programs register them once. It reads
 * `runtime.metrics()` at each scrape; it must not have an endpoint, a timer or a registry of its own.
 */
export { collectMetrics, type CollectOptions } from './collect-metrics.js';
