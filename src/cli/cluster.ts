/** Where a pipeline runs: in one real process, or on virtual nodes with planned crashes. */
import { runtimeSettings } from '../actors/runtime/index.js';
import { Executor, type ExecutorOptions, type Logger, type Runtime, type UndeclaredWork } from '../index.js';
import type { OptionValues } from '../options/index.js';
import { machineProvider } from '../resources/index.js';
import type { Crash } from './run-options.js';
import type { Simulation } from './simulation.js';

export interface ClusterOptions {
  readonly values: OptionValues;
  /** What `netSettings` makes of `values`. */
  readonly net: ExecutorOptions['net'];
  readonly simulation: Simulation | undefined;
  readonly log: Logger;
  readonly trace: ((line: string) => void) | undefined;
  readonly interceptor: ExecutorOptions['interceptor'];
}

export class Cluster {
  readonly executor: Executor;
  /** Lines of the program that began a real timer or I/O in a simulation without declaring it. */
  readonly undeclared: UndeclaredWork[] = [];
  readonly #options: ClusterOptions;
  readonly #happened = new Set<Crash>();

  constructor(options: ClusterOptions) {
    const { simulation, values, net, log, trace, interceptor } = options;
    const { linkDeadMs } = values;
    this.#options = options;
    this.executor = new Executor({
      log,
      linkDeadMs,
      ...(net === undefined ? {} : { net }),
      interceptor,
      ...(trace === undefined ? {} : { trace }),
      ...(simulation === undefined
        ? {}
        : {
            seed: simulation.seed,
            latencyMs: simulation.latencyMs,
            loss: simulation.loss,
            duplicate: simulation.duplicate,
            onUndeclared: (work) => this.undeclared.push(work),
          }),
    });
  }

  /** Number of partitions of each process. */
  get partitions(): number {
    return machineProvider(runtimeSettings(this.#options.values).system ?? {}).partitions.length;
  }

  /** Starts every node. Resolves to the first, which serves the control plane. */
  async start(): Promise<Runtime> {
    const { values, simulation } = this.#options;
    const settings = runtimeSettings(values);
    if (simulation === undefined) return this.executor.start(settings);
    const first = await this.executor.start({ ...settings, node: nodeName(0) });
    for (let node = 1; node < simulation.nodes; node++) {
      await this.executor.start({ ...settings, node: nodeName(node), controlPlane: first.controlPlane });
    }
    return first;
  }

  /** Starts the timers of the planned crashes. Calls `told` at each crash. */
  armCrashes(told: (crash: Crash) => void): void {
    for (const crash of this.#options.simulation?.crashes ?? []) {
      this.executor.scheduler.setTimer(crash.atMs, () => {
        this.#happened.add(crash);
        told(crash);
        this.executor.crash(nodeName(crash.node));
      });
    }
  }

  hasHappened(crash: Crash): boolean {
    return this.#happened.has(crash);
  }

  stop(): Promise<void> {
    return this.executor.stop();
  }
}

function nodeName(index: number): string {
  return `node-${index}`;
}
