import { ConfigError, StoppedError, UnreachableError } from '../../errors.js';
import { type Logger, silentLogger } from '../../logging/index.js';
import { RealScheduler, type Scheduler, type UndeclaredWork, VirtualScheduler } from '../../scheduler/index.js';
import { MemoryNetwork, type MemoryNetworkOptions } from '../../transport/memory/index.js';
import { incarnations } from './incarnations.js';
import { Runtime } from './runtime.js';
import type { RuntimeOptions } from './runtime-options.js';
import type { NetOptions } from './net-options.js';
import { assertPlaceable, assertReal, inside, insideAndOutside, type Transports } from './transports.js';
import type { RuntimeTap } from './segment-tap.js';

export interface ExecutorOptions extends Omit<MemoryNetworkOptions, 'scheduler'> {
  /** Runs everything on virtual time, the same way each time for the same seed. Default: real time. */
  readonly seed?: number;
  /** In place of one made here, real or from the seed. `stop` closes a virtual one. */
  readonly scheduler?: Scheduler;
  readonly log?: Logger;
  /** Links to processes of the operating system, beside those of this program. Not on virtual time. */
  readonly net?: NetOptions;
  /** Hears what happens at the edges of actors: a Recorder of `millrace/recording`. */
  readonly tap?: RuntimeTap | undefined;
  /** On virtual time: gets each line of user code that begins a real timer or I/O without `ctx.outside`, once. It slows promises down. */
  readonly onUndeclared?: (work: UndeclaredWork) => void;
}

interface Started {
  readonly runtime: Runtime;
  readonly place: string;
  isCrashed: boolean;
}

const NO_FAULTS = { latencyMs: 0, jitterMs: 0, loss: 0, duplicate: 0, reorder: 0 };

/**
 * The scheduler, the pseudo-network, and the runtimes that a program starts on it: a cluster in one process.
 *
 *     await using executor = new Executor({ seed: 7, latencyMs: 1, loss: 0.01 });
 *     const first = await executor.start({ node: 'node-0' });
 *     await executor.start({ node: 'node-1', controlPlane: first.controlPlane });
 *     executor.crash('node-1');
 */
export class Executor {
  readonly scheduler: Scheduler;
  readonly network: MemoryNetwork;
  readonly #log: Logger;
  readonly #tap: RuntimeTap | undefined;
  readonly #untapped: Scheduler;
  readonly #links: { readonly net: NetOptions | undefined; readonly linkDeadMs: number | undefined };
  #outside: Promise<Transports> | undefined;
  readonly #started: Started[] = [];
  readonly #incarnations: () => bigint;
  #stopping: Promise<void> | undefined;

  constructor(options: ExecutorOptions = {}) {
    const { seed, onUndeclared, log = silentLogger, tap, ...others } = options;
    const { scheduler = schedulerOf(seed, onUndeclared), ...network } = others;
    this.scheduler = tap?.scheduler(scheduler) ?? scheduler;
    this.#tap = tap;
    this.#untapped = scheduler;
    this.network = new MemoryNetwork({ ...network, scheduler: this.scheduler });
    this.#links = { net: options.net, linkDeadMs: options.linkDeadMs };
    this.#incarnations = incarnations(scheduler);
    assertReal(options.net, this.scheduler);
    this.#log = log;
  }

  /** Runtimes that were started, and have neither stopped nor crashed. */
  get runtimes(): readonly Runtime[] {
    return this.#started.filter(isUp).map(({ runtime }) => runtime);
  }

  /** Every runtime that was ever started here, those that have stopped, crashed or failed to start among them. */
  get started(): readonly Runtime[] {
    return this.#started.map(({ runtime }) => runtime);
  }

  /**
   * Starts one virtual process. One without `controlPlane` serves it; give its address to the others. ConfigError when a process of that
   * name runs on the node already; what its bring-up failed with otherwise.
   */
  async start(options: RuntimeOptions = {}): Promise<Runtime> {
    const transports = await this.#transports(options);
    const tracing = options.tracing && (await this.scheduler.outside(options.tracing(this.#log)));
    if (this.#stopping !== undefined) {
      throw new StoppedError('This executor has stopped; it starts no process any more.');
    }
    const { node = 'node-0', name = 'process-0' } = options;
    const place = `${node}/${name}`;
    if (this.#started.some((other) => other.place === place && isUp(other))) {
      throw new ConfigError(`A process "${name}" runs on "${node}" already; give it another name.`);
    }
    // A process reaches itself without a network.
    this.network.override(place, place, NO_FAULTS);
    const incarnation = this.#incarnations();
    const entry: { started: Started | undefined } = { started: undefined };
    const crashed = (): void => {
      if (entry.started !== undefined) {
        this.#crashed(entry.started);
      }
    };
    const runtime = new Runtime(
      {
        scheduler: this.scheduler,
        log: this.#log,
        launch: `${node}.${name}.${incarnation.toString(16)}`,
        incarnation,
        isLossy: () => this.network.mayLose,
        tap: this.#tap,
        tracing,
        links: { linkDeadMs: this.#links.linkDeadMs, net: this.#links.net ?? {} },
        library: transports.library,
        transport: (partition) => transports.transport(partition, { node, process: name, crashed }),
      },
      options,
    );
    entry.started = { runtime, place, isCrashed: false };
    this.#started.push(entry.started);
    return runtime.start(options.controlPlane);
  }

  /** Ends a node or process at once: nothing is told to anybody, its peers see their links reset. */
  crash(target: string): void {
    this.network.crash(target);
  }

  /** What has crashed may be started again: as a new process, which joins afresh. ConfigError when it is up. */
  restart(target: string): void {
    this.network.restart(target);
  }

  /** Stops every runtime, the last started first, and whatever the scheduler still holds. Idempotent. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #stop(): Promise<void> {
    for (const { runtime } of this.#started.toReversed()) {
      await runtime.stop();
    }
    if (this.#untapped instanceof VirtualScheduler) {
      this.#untapped.close();
    }
  }

  /** Partitions on threads and in processes are reached as other programs are. */
  async #transports({ placement = 'inline' }: RuntimeOptions): Promise<Transports> {
    const { linkDeadMs } = this.#links;
    const net = this.#links.net ?? (placement === 'inline' ? undefined : {});
    if (net === undefined) return inside(this.network);
    assertPlaceable(placement, this.scheduler, this.#tap);
    this.#outside ??= insideAndOutside(this.network, { net, linkDeadMs, scheduler: this.scheduler, log: this.#log });
    return this.#outside;
  }

  #crashed(started: Started): void {
    if (!started.isCrashed) {
      started.isCrashed = true;
      started.runtime.crash(new UnreachableError(`The process ${started.place} has crashed.`));
    }
  }
}

function schedulerOf(seed: number | undefined, onUndeclared: ExecutorOptions['onUndeclared']): Scheduler {
  if (seed === undefined) return new RealScheduler();
  return new VirtualScheduler({ seed, ...(onUndeclared && { onUndeclared }) });
}

function isUp({ runtime, isCrashed }: Started): boolean {
  return !isCrashed && !runtime.isStopping;
}
