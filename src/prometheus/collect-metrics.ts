import { Counter, Gauge, type Registry } from 'prom-client';
import type { Runtime } from '../actors/runtime/index.js';
import { AskDuration } from './ask-duration.js';
import { Sources } from './sources.js';
import { type Row, table } from './table.js';

export interface CollectOptions {
  /** Prefix of every name. Default `millrace_`. */
  readonly prefix?: string;
}

/**
 * Registers all metrics of a runtime with a registry of prom-client. The registry reads them at each scrape. docs/embedding.md lists
 * names and units. A registry takes any number of runtimes: the values of all but the first have the label `process`, which is the name of
 * the runtime.
 *
 *     const register = new Registry();
 *     collectMetrics(runtime, register);
 *     app.get('/metrics', async (_request, reply) => reply.type(register.contentType).send(await register.metrics()));
 */
export function collectMetrics(
  runtime: Runtime,
  register: Registry,
  { prefix = 'millrace_' }: CollectOptions = {},
): void {
  const name = `${prefix}ask_duration_seconds`;
  const known: unknown = register.getSingleMetric(name);
  if (isOurs(known)) {
    known.sources.add(runtime);
    return;
  }
  const sources = new Sources();
  sources.add(runtime);
  for (const row of table) addRow(row, register, prefix, sources);
  register.registerMetric(new AskDuration(name, sources));
}

/** Of another copy of Millrace, too. */
function isOurs(metric: unknown): metric is AskDuration {
  return typeof metric === 'object' && metric !== null && 'sources' in metric;
}

function addRow(row: Row, register: Registry, prefix: string, sources: Sources): void {
  const { help } = row;
  const options = {
    name: `${prefix}${row.name}`,
    help,
    labelNames: [...row.labelNames, 'process'],
    registers: [register],
  };
  if (row.type === 'gauge') {
    const gauge = new Gauge({
      ...options,
      collect: () => {
        gauge.reset();
        for (const { labels: own, metrics } of sources.snapshots()) {
          for (const { labels, value } of row.read(metrics)) gauge.set({ ...labels, ...own }, value);
        }
      },
    });
    return;
  }
  const counter = new Counter({
    ...options,
    collect: () => {
      counter.reset();
      for (const { labels: own, metrics } of sources.snapshots()) {
        for (const { labels, value } of row.read(metrics)) counter.inc({ ...labels, ...own }, value);
      }
    },
  });
}
