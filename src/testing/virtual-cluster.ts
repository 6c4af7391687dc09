import { Executor, type ExecutorOptions, type Runtime, type RuntimeOptions } from '../actors/runtime/index.js';
import { ConfigError, MillraceError } from '../errors.js';
import { type LogRecord, memoryLogger } from '../logging/index.js';
import type { Scheduler } from '../scheduler/index.js';
import { until, type UntilOptions } from './until.js';

export interface VirtualClusterOptions extends Omit<ExecutorOptions, 'log'> {
  /** Virtual nodes `node-0`, `node-1`, ..., each with one process. Default 1. */
  readonly nodes?: number;
  /** Options of every process. */
  readonly runtime?: Omit<RuntimeOptions, 'node' | 'name' | 'controlPlane'>;
}

/**
 * Virtual nodes on the pseudo-network, on virtual time: an hour takes milliseconds, and the same seed gives the same run. The first node
 * serves the control plane.
 *
 *     await using cluster = await virtualCluster({ nodes: 2, seed: 7, latencyMs: 1, loss: 0.01 });
 *     const ref = cluster.runtimes[0].spawn(pricing, { name: 'pricing', register: true });
 *     cluster.executor.crash('node-1');
 *     await cluster.until(() => expect(...));
 */
export async function virtualCluster(options: VirtualClusterOptions = {}): Promise<VirtualCluster> {
  const { nodes = 1, runtime = {}, seed = 1, ...network } = options;
  if (!Number.isSafeInteger(nodes) || nodes < 1) {
    throw new ConfigError(`nodes must be a whole number, 1 or more; got ${nodes}`);
  }
  const log = memoryLogger();
  const executor = new Executor({ ...network, seed, log });
  const first = await executor.start({ ...runtime, node: 'node-0' });
  const others: Runtime[] = [];
  for (let node = 1; node < nodes; node++) {
    others.push(await executor.start({ ...runtime, node: `node-${node}`, controlPlane: first.controlPlane }));
  }
  return new VirtualCluster(executor, seed, [first, ...others], log.records);
}

/** Made by `virtualCluster`. */
export class VirtualCluster {
  readonly executor: Executor;
  readonly seed: number;
  /** One per node. The first serves the control plane. */
  readonly runtimes: readonly [Runtime, ...Runtime[]];
  readonly log: readonly LogRecord[];

  constructor(executor: Executor, seed: number, runtimes: readonly [Runtime, ...Runtime[]], log: readonly LogRecord[]) {
    this.executor = executor;
    this.seed = seed;
    this.runtimes = runtimes;
    this.log = log;
  }

  get scheduler(): Scheduler {
    return this.executor.scheduler;
  }

  /** Advances virtual time by `ms`. */
  pass(ms: number): Promise<void> {
    return new Promise((resolve) => void this.scheduler.setTimer(ms, resolve));
  }

  /** Like the function `until`, on virtual time. The error names the seed. */
  until(condition: () => unknown, options: UntilOptions = {}): Promise<void> {
    const { what = condition.toString() } = options;
    return until(this.scheduler, condition, { ...options, what: `${what} (seed ${this.seed})` });
  }

  /** Stops everything. Rejects with MillraceError if an actor, an ask, a stream or a link is left. */
  async stop(): Promise<void> {
    await this.executor.stop();
    for (const { node, leftovers } of this.runtimes) {
      if (Object.values(leftovers).some((count) => count > 0)) {
        throw new MillraceError(`${node} left behind ${JSON.stringify(leftovers)} (seed ${this.seed})`);
      }
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
