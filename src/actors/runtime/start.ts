import type { Logger } from '../../logging/index.js';
import { Executor } from './executor.js';
import type { Runtime as RuntimeProcess, RuntimeOptions } from './runtime.js';

/** One process of the cluster: spawns and looks up actors, runs pipelines. */
export type Runtime = RuntimeProcess;

export const Runtime = {
  /**
   * Starts a runtime of its own in this process, on real time: what a service embeds.
   *
   *     const runtime = await Runtime.start();
   *     const ref = runtime.spawn(pricing, { name: 'pricing', register: true });
   *     const { price } = await ref.quote({ symbol: 'ACME' }, { timeoutMs: 100 });
   *     await runtime.stop();
   */
  start({ log, ...options }: RuntimeOptions & { readonly log?: Logger } = {}): Promise<RuntimeProcess> {
    return new Executor(log === undefined ? {} : { log }).start(options);
  },
};
