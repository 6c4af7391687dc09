import { ConfigError } from '../../errors.js';
import { limits } from '../../limits.js';
import type { Scheduler } from '../../scheduler/index.js';
import { BufferPool } from '../buffer-pool.js';
import type { Layer } from '../stack/index.js';
import type { Transport } from '../transport.js';
import { Clock } from './clock.js';
import { Exchange, nameOfCut } from './exchange.js';
import { Chance, duration, type Faults, faultsFrom } from './faults.js';
import { allocate } from './lane-flow.js';
import { checkPlace, checkTarget, isAt, type Place, SCHEME } from './place.js';
import { Trace } from './trace.js';
import { MemoryTransport } from './transport.js';

export interface MemoryNetworkOptions extends Partial<Faults> {
  readonly scheduler: Scheduler;
  /** A link that is cut for this long ends as lost, in ms. Default `limits.linkDeadMs`. */
  readonly linkDeadMs?: number;
  /** Receives one line per event, without the newline. It must not throw, or call the network. */
  readonly trace?: (line: string) => void;
}

export interface MemoryTransportOptions {
  readonly node: string;
  readonly process: string;
  /** A link of this process that is cut for this long ends at this process as lost, in ms. Default: that of the network. */
  readonly linkDeadMs?: number;
  /** Called when the process crashes: the owner must stop its code. The links of the process call no handlers. */
  readonly crashed?: () => void;
}

/** Current counts. All but `processes` are zero once every link is closed and time has passed. */
export interface MemoryNetworkStatistics {
  /** Transports that are neither closed nor crashed. */
  readonly processes: number;
  /** Open ends of links: two per link. */
  readonly openLinks: number;
  readonly framesInFlight: number;
  /** Credit that those frames use. */
  readonly bytesInFlight: number;
  /** Turns and timers that the network has set. */
  readonly timers: number;
}

/**
 * A pseudo-network: processes on nodes, all in one thread, that exchange bytes only. With a virtual scheduler,
 * equal seeds and equal programs give equal traces.
 *
 *     const network = new MemoryNetwork({ scheduler: new VirtualScheduler({ seed: 7 }), latencyMs: 1, jitterMs: 0.5 });
 *     const server = network.transport({ node: 'node-1', process: 'process-1' });
 *     const client = network.transport({ node: 'node-2', process: 'process-1' });
 *     const address = await server.listen((link) => link.setHandlers(echo(link)));
 *     const link = await client.connect(address, { timeoutMs: 100 });
 *     network.crash('node-1'); // link: closed({ kind: 'lost', ... }) one latency later
 */
export class MemoryNetwork {
  readonly #exchange: Exchange;
  /** All processes so far. */
  readonly #places = new Map<string, Place>();

  /** Throws ConfigError for an option out of range. */
  constructor(options: MemoryNetworkOptions) {
    const clock = new Clock(options.scheduler);
    const environment = {
      clock,
      chance: new Chance(options.scheduler),
      trace: new Trace(clock, options.trace),
      buffers: new BufferPool(allocate),
      linkDeadMs: duration('linkDeadMs', options.linkDeadMs ?? limits.linkDeadMs),
    };
    this.#exchange = new Exchange(environment, faultsFrom(options));
  }

  /** True if some link, open or future, may lose, duplicate or reorder frames. */
  get mayLose(): boolean {
    return this.#exchange.mayLose;
  }

  get statistics(): MemoryNetworkStatistics {
    const ends = [...this.#exchange.connections].flatMap((connection) => [connection.client, connection.server]);
    const sum = (count: (end: (typeof ends)[number]) => number): number =>
      ends.reduce((total, end) => total + count(end), 0);
    return {
      processes: this.#exchange.endpoints,
      openLinks: sum((end) => (end.isOpen ? 1 : 0)),
      framesInFlight: sum((end) => end.framesInFlight),
      bytesInFlight: sum((end) => end.bytesInFlight),
      timers: this.#exchange.environment.clock.pending,
    };
  }

  /**
   * Adds a process, and returns its transport. Throws ConfigError for a name with spaces or `/ , |`, UnreachableError if the node or
   * process has crashed and was not restarted.
   */
  transport(options: MemoryTransportOptions): Transport {
    const place = checkPlace({ node: options.node, process: options.process });
    const transport = new MemoryTransport({
      exchange: this.#exchange,
      place,
      address: this.#exchange.freeAddress(place),
      linkDeadMs: duration('linkDeadMs', options.linkDeadMs ?? this.#exchange.environment.linkDeadMs),
      onCrash: options.crashed ?? (() => {}),
    });
    this.#exchange.join(transport);
    this.#places.set(`${place.node}/${place.process}`, place);
    return transport;
  }

  /** As `transport`, with the addresses that it accepts: those of processes of this program. */
  layer(options: MemoryTransportOptions): Layer {
    return { transport: this.transport(options), schemes: [SCHEME], isLocal: true };
  }

  /** Overrides the faults of links that open from now on between `one` and `other` (each `node` or `node/process`). */
  override(one: string, other: string, faults: Partial<Faults>): void {
    faultsFrom(faults);
    this.#exchange.override(checkTarget(one), checkTarget(other), faults);
  }

  /**
   * Cuts all connections between the two groups; names are `node` or `node/process`. Cuts accumulate until `heal`. The returned function
   * heals this cut alone. With `isOneWay`, only what the first group sends to the second is cut.
   */
  partition(
    groupA: readonly string[],
    groupB: readonly string[],
    { isOneWay = false }: { readonly isOneWay?: boolean } = {},
  ): () => void {
    const cut = { one: groupA.map(checkTarget), other: groupB.map(checkTarget), isOneWay };
    this.#exchange.environment.trace.fault('partition', nameOfCut(cut));
    return this.#exchange.partition(cut);
  }

  /** Heals all cuts. Links that have not ended continue. */
  heal(): void {
    this.#exchange.environment.trace.fault('heal');
    this.#exchange.heal();
  }

  /** Ends loss, duplication and reordering, also on open links. Those links still declare themselves unreliable. */
  calm(): void {
    this.#exchange.environment.trace.fault('calm');
    this.#exchange.environment.chance.isCalm = true;
  }

  /** Crashes a node or process. Throws ConfigError for a name that was never on the network. */
  crash(target: string): void {
    const known = [...this.#places.values()];
    if (!known.some((place) => isAt(place, checkTarget(target)))) {
      const names = [...new Set(known.map(({ node }) => node))].join(', ');
      throw new ConfigError(
        `Cannot crash ${target}: the pseudo-network has no such node or process. Its nodes are: ${names || 'none'}.`,
      );
    }
    this.#exchange.environment.trace.fault('crash', target);
    this.#exchange.crash(target);
  }

  /** Lets a crashed node or process have transports again. The old ones stay dead. Throws ConfigError if it has not crashed. */
  restart(target: string): void {
    this.#exchange.restart(checkTarget(target));
    this.#exchange.environment.trace.fault('restart', target);
  }
}
