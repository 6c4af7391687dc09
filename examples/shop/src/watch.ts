import type { ComponentNetwork } from 'millrace';
import { Catalog, Orders, Payment } from '../gen/shop.js';

/** All pools of the shop at one moment. */
export interface Sample {
  readonly atMs: number;
  /** Containers, by the names of their components. */
  readonly containers: Readonly<Record<string, number>>;
  /** Time in ms for which the oldest request waits. */
  readonly oldestWaitMs: number;
  /** Containers of other processes that have a request. */
  readonly spilled: number;
}

/** Time in ms from one sample to the next. */
export const SAMPLE_MS = 250;

/** Looks at all pools again and again until the signal is aborted. Returns the samples, which become more until then. */
export function watchPools(network: ComponentNetwork, signal: AbortSignal): readonly Sample[] {
  const samples: Sample[] = [];
  void watchOn(network, signal, samples).catch((error: unknown) => {
    // The network is closed when the program is told to end.
    if (!signal.aborted) console.error(`the pools are not watched any more: ${String(error)}`);
  });
  return samples;
}

async function watchOn(network: ComponentNetwork, signal: AbortSignal, samples: Sample[]): Promise<void> {
  const { scheduler } = network.runtime;
  const beganMs = scheduler.now();
  while (!signal.aborted) {
    samples.push(await sampleOf(network, scheduler.now() - beganMs));
    await new Promise<void>((resolve) => void scheduler.setTimer(SAMPLE_MS, resolve));
  }
}

async function sampleOf(network: ComponentNetwork, atMs: number): Promise<Sample> {
  const { node, name } = network.runtime;
  const loads = (await Promise.all([Catalog, Orders, Payment].map((service) => network.loads(service)))).flat();
  const containers: Record<string, number> = { catalog: 0, orders: 0, payment: 0 };
  let [oldestWaitMs, spilled] = [0, 0];
  for (const load of loads) {
    containers[load.component] = (containers[load.component] ?? 0) + load.containers;
    oldestWaitMs = Math.max(oldestWaitMs, load.oldestWaitMs);
    if (load.node !== node || load.process !== name) spilled += load.containers - load.starting - load.idle;
  }
  return { atMs, containers, oldestWaitMs, spilled };
}
