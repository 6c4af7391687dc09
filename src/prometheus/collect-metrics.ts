import { Counter, Gauge, type Registry } from 'prom-client';
import type { Runtime, RuntimeMetrics } from '../actors/runtime/index.js';
import { AskDuration } from './ask-duration.js';
import { type Row, table } from './table.js';

export interface CollectOptions {
  /** Prefix of every name. Default `millrace_`. */
  readonly prefix?: string;
}

/**
 * Registers all metrics of a runtime with a registry of prom-client. The registry reads them at each scrape. docs/embedding.md lists
 * names and units.
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
  const snapshot = sharedSnapshot(runtime);
  for (const row of table) {
    addRow(row, register, prefix, snapshot);
  }
  register.registerMetric(new AskDuration(`${prefix}ask_duration_seconds`, snapshot));
}

function addRow(row: Row, register: Registry, prefix: string, snapshot: () => RuntimeMetrics): void {
  const { help } = row;
  const name = `${prefix}${row.name}`;
  const labelNames = [...row.labelNames];
  const registers = [register];
  if (row.type === 'gauge') {
    const metric = new Gauge({
      name,
      help,
      labelNames,
      registers,
      collect: () => {
        metric.reset();
        row.read(snapshot()).forEach(({ labels, value }) => metric.set(labels, value));
      },
    });
    return;
  }
  const metric = new Counter({
    name,
    help,
    labelNames,
    registers,
    collect: () => {
      metric.reset();
      row.read(snapshot()).forEach(({ labels, value }) => metric.inc(labels, value));
    },
  });
}

/** One snapshot for all metrics of a scrape. A registry collects them synchronously, so it is dropped in the next microtask. */
function sharedSnapshot(runtime: Runtime): () => RuntimeMetrics {
  let current: RuntimeMetrics | undefined;
  const forget = (): void => {
    current = undefined;
  };
  return () => {
    if (current === undefined) {
      current = runtime.metrics();
      Promise.resolve().then(forget, forget);
    }
    return current;
  };
}
