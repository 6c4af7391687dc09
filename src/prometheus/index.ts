/**
 * `millrace/prometheus`: what a runtime counts, as metrics of prom-client, which whoever imports this has installed. It reads
 * `runtime.metrics()` when Prometheus asks, and does nothing else: no endpoint, no timer, no registry of its own.
 */
export { collectMetrics, type CollectOptions } from './collect-metrics.js';
