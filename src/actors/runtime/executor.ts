import { type ClusterStore, openClusterStore } from '../../cluster-store/index.js';
import { ConfigError, StoppedError, UnreachableError } from '../../errors.js';
import { shownValue } from '../../foreign.js';
import { guardedLogger, type Logger, silentLogger } from '../../logging/index.js';
import { RealScheduler, type Scheduler, type UndeclaredWork, VirtualScheduler } from '../../scheduler/index.js';
import { MemoryNetwork, type MemoryNetworkOptions } from '../../transport/memory/index.js';
import { Runtime } from './runtime.js';
import type { RuntimeOptions } from './runtime-options.js';
import type { NetOptions } from './net-options.js';
import { checkNetwork } from './network/index.js';
import {
  assertPlaceable,
  assertReal,
  localTransports,
  localAndExternalTransports,
  type Transports,
} from './transports.js';
import type { RuntimeInterceptor } from './segment-interceptor.js';

export interface ExecutorOptions extends Omit<MemoryNetworkOptions, 'scheduler'> {
  /** Runs everything on virtual time, identically for the same seed. Default: real time. */
  readonly seed?: number;
  /** The scheduler to use. Default: a real one, or a virtual one from the seed. `stop` closes a virtual one. */
  readonly scheduler?: Scheduler;
  readonly log?: Logger;
  /** Links to other processes of the operating system. Not on virtual time. */
  readonly net?: NetOptions;
  /** Intercepts the messages of actors, and the code of segments: a Recorder of `millrace/recording`. */
  readonly interceptor?: RuntimeInterceptor | undefined;
  /** On virtual time: called once for each line of user code that starts a real timer or I/O without `ctx.outside`. It slows promises down. */
  readonly onUndeclared?: (work: UndeclaredWork) => void;
}

interface Started {
  readonly runtime: Runtime;
  readonly place: string;
  isCrashed: boolean;
}

/** Names are parts of addresses, of paths and of lines of the log. */
function checkPlaceName(what: string, given: unknown): void {
  if (typeof given === 'string' && /^[^\p{C}\s/!#]{1,255}$/u.test(given)) return;
  throw new ConfigError(
    `Executor.start({ ${what} }) needs a name of 1 to 255 whole characters without blanks, "/", "!" and "#", not ${shownValue(given)}.`,
  );
}

const NO_FAULTS = { latencyMs: 0, jitterMs: 0, loss: 0, duplicate: 0, reorder: 0 };

/**
 * A cluster in one process: a scheduler, a pseudo-network, and the runtimes that a program starts on them.
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
  readonly #interceptor: RuntimeInterceptor | undefined;
  readonly #givenScheduler: Scheduler;
  readonly #links: { readonly net: NetOptions | undefined; readonly linkDeadMs: number | undefined };
  #external: Promise<Transports> | undefined;
  readonly #started: Started[] = [];
  readonly #incarnations: () => bigint;
  #stopping: Promise<void> | undefined;

  constructor(options: ExecutorOptions = {}) {
    const { seed, onUndeclared, log = silentLogger, interceptor, ...others } = options;
    const { scheduler = schedulerOf(seed, onUndeclared), ...network } = others;
    this.scheduler = interceptor?.scheduler(scheduler) ?? scheduler;
    this.#interceptor = interceptor;
    this.#givenScheduler = scheduler;
    this.network = new MemoryNetwork({ ...network, scheduler: this.scheduler });
    this.#links = { net: options.net, linkDeadMs: options.linkDeadMs };
    this.#incarnations = incarnations(scheduler);
    assertReal(options.net, this.scheduler);
    this.#log = log === silentLogger ? log : guardedLogger(log);
  }

  /** Runtimes that are running: started, and neither stopped nor crashed. */
  get runtimes(): readonly Runtime[] {
    return this.#started.filter(isUp).map(({ runtime }) => runtime);
  }

  /** Every runtime that was ever started here, including those that have stopped, crashed or failed to start. */
  get started(): readonly Runtime[] {
    return this.#started.map(({ runtime }) => runtime);
  }

  /**
   * Starts one virtual process. A runtime without the option `controlPlane` runs the control plane server; give its address to the others.
   * Rejects with ConfigError when a process of that name already runs on the node, and with the error of a failed start.
   */
  async start(options: RuntimeOptions = {}): Promise<Runtime> {
    checkNetwork(options);
    const transports = await this.#transports(options);
    const tracing = options.tracing && (await this.scheduler.outside(options.tracing(this.#log)));
    if (this.#stopping !== undefined) {
      throw new StoppedError('This executor has stopped, so it cannot start a process. Create another executor.');
    }
    const { node = 'node-0', name = 'process-0', linkDeadMs } = options;
    const place = `${node}/${name}`;
    for (const [what, given] of Object.entries({ node, name })) checkPlaceName(what, given);
    if (this.#started.some((other) => other.place === place && isUp(other))) {
      throw new ConfigError(`A process "${name}" already runs on "${node}"; give this one another name.`);
    }
    const store = await this.#store(options);
    // Links within a process have no network faults.
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
        store,
        interceptor: this.#interceptor,
        tracing,
        links: { linkDeadMs: this.#links.linkDeadMs, net: this.#links.net ?? {} },
        external: transports.external,
        transport: (partition) =>
          transports.transport(partition, {
            node,
            process: name,
            crashed,
            ...(linkDeadMs !== undefined && { linkDeadMs }),
          }),
      },
      options,
    );
    entry.started = { runtime, place, isCrashed: false };
    this.#started.push(entry.started);
    return runtime.start();
  }

  /** Crashes a node or a process: it sends nothing more, and its peers see their links reset. */
  crash(target: string): void {
    this.network.crash(target);
  }

  /** Allows a crashed node or process to be started again, as a new process that joins again. Throws ConfigError when it is running. */
  restart(target: string): void {
    this.network.restart(target);
  }

  /** Stops every runtime, the last started first, and closes a virtual scheduler. Idempotent. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #store({ clusterStore }: RuntimeOptions): Promise<ClusterStore | undefined> {
    const isText = typeof clusterStore === 'string';
    return isText ? openClusterStore(clusterStore, this.scheduler) : Promise.resolve(clusterStore);
  }

  async #stop(): Promise<void> {
    for (const { runtime } of this.#started.toReversed()) {
      await runtime.stop();
    }
    if (this.#givenScheduler instanceof VirtualScheduler) {
      this.#givenScheduler.close();
    }
  }

  /** Partitions on threads and in processes need external links, as other programs do. */
  async #transports(options: RuntimeOptions): Promise<Transports> {
    const { placement = 'inline' } = options;
    const { linkDeadMs } = this.#links;
    const net = this.#links.net ?? (placement === 'inline' ? undefined : {});
    if (net === undefined) return localTransports(this.network);
    assertPlaceable(options, this.scheduler, this.#interceptor);
    this.#external ??= localAndExternalTransports(this.network, {
      net,
      linkDeadMs,
      scheduler: this.scheduler,
      log: this.#log,
    });
    return this.#external;
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

/** Gives each process that starts its incarnation: 64 random bits, which follow from the seed on virtual time. */
function incarnations(scheduler: Scheduler): () => bigint {
  const random = scheduler.fork('incarnations');
  const half = (): bigint => BigInt(Math.floor(random() * 2 ** 32));
  // 0 means that the incarnation is not known.
  return () => (half() << 32n) | half() || 1n;
}

function isUp({ runtime, isCrashed }: Started): boolean {
  return !isCrashed && !runtime.isStopping;
}
