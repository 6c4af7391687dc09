import { ConfigError } from '../../errors.js';
import { limits } from '../../limits.js';
import type { Scheduler } from '../../scheduler/index.js';
import type { Transport } from '../transport.js';
import { TransmitBuffers } from './buffers.js';
import { Clock } from './clock.js';
import { Exchange } from './exchange.js';
import { Chance, duration, faultsFrom } from './faults.js';
import type { Faults } from './faults.js';
import { addressOf, checkPlace, checkTarget, isAt } from './place.js';
import type { Place } from './place.js';
import { Trace } from './trace.js';
import { MemoryTransport } from './transport.js';

export interface MemoryNetworkOptions extends Partial<Faults> {
  readonly scheduler: Scheduler;
  /** Silence after which a cut link is dead, in ms. Default `limits.linkDeadMs`. */
  readonly linkDeadMs?: number;
  /** Gets one line, without its newline, for each event. Called in the midst of things: it must not throw. */
  readonly trace?: (line: string) => void;
}

export interface MemoryTransportOptions {
  readonly node: string;
  readonly process: string;
  /** Called when the process crashes: its owner must stop running its code. Its links say nothing. */
  readonly crashed?: () => void;
}

/** What is there at this moment: all but `processes` must be zero when every link is closed and time has passed. */
export interface MemoryNetworkStatistics {
  /** Transports neither closed nor crashed. */
  readonly processes: number;
  /** Open ends of links: two for each. */
  readonly openLinks: number;
  readonly framesInFlight: number;
  /** Credit that those frames take. */
  readonly bytesInFlight: number;
  /** Turns and timers that the network has set. */
  readonly timers: number;
}

/**
 * One pseudo-network: processes on nodes, in one thread, that reach each other by bytes only. With a virtual scheduler,
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
  /** Processes seen so far, and how many transports each has had. */
  readonly #places = new Map<string, { readonly place: Place; transports: number }>();

  /** Throws ConfigError for options that make no sense. */
  constructor(options: MemoryNetworkOptions) {
    const clock = new Clock(options.scheduler);
    const environment = {
      clock,
      chance: new Chance(options.scheduler),
      trace: new Trace(clock, options.trace),
      buffers: new TransmitBuffers(),
      linkDeadMs: duration('linkDeadMs', options.linkDeadMs ?? limits.linkDeadMs),
    };
    this.#exchange = new Exchange(environment, faultsFrom(options));
  }

  /** Some link may lose, double or reorder frames, now or when it is opened. */
  get mayLose(): boolean {
    return this.#exchange.mayLose;
  }

  get statistics(): MemoryNetworkStatistics {
    const ends = [...this.#exchange.cables].flatMap((cable) => [cable.client, cable.server]);
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
   * A transport for a process, which begins with it. Throws ConfigError for a name with spaces or `/ , |`, and
   * UnreachableError where the node or process has crashed and was not restarted.
   */
  transport(options: MemoryTransportOptions): Transport {
    const place = checkPlace({ node: options.node, process: options.process });
    const name = `${place.node}/${place.process}`;
    const known = this.#places.get(name) ?? { place, transports: 0 };
    const transport = new MemoryTransport({
      exchange: this.#exchange,
      place,
      address: addressOf(place, known.transports),
      onCrash: options.crashed ?? (() => {}),
    });
    this.#exchange.join(transport);
    known.transports += 1;
    this.#places.set(name, known);
    return transport;
  }

  /** Links opened from now on between `one` and `other` (each `node` or `node/process`) have these faults instead. */
  override(one: string, other: string, faults: Partial<Faults>): void {
    faultsFrom(faults);
    this.#exchange.override(checkTarget(one), checkTarget(other), faults);
  }

  /**
   * Cuts every way between the two groups; names are `node` or `node/process`. Cuts add up until `heal`; what is returned mends this
   * one alone.
   */
  partition(groupA: readonly string[], groupB: readonly string[]): () => void {
    const one = groupA.map(checkTarget);
    const other = groupB.map(checkTarget);
    this.#exchange.environment.trace.fault('partition', `${one.join(',')} | ${other.join(',')}`);
    return this.#exchange.partition(one, other);
  }

  /** Mends all cuts. Links that are not dead yet go on where they were. */
  heal(): void {
    this.#exchange.environment.trace.fault('heal');
    this.#exchange.heal();
  }

  /** Loss, duplication and reordering are over, on the links that are open, too. Those stay unreliable by what they declare. */
  calm(): void {
    this.#exchange.environment.trace.fault('calm');
    this.#exchange.environment.chance.isCalm = true;
  }

  /** Ends a node or process at once. Throws ConfigError when none of that name was ever on the network. */
  crash(target: string): void {
    const known = [...this.#places.values()];
    if (!known.some(({ place }) => isAt(place, checkTarget(target)))) {
      const names = [...new Set(known.map(({ place }) => place.node))].join(', ');
      throw new ConfigError(`There is no ${target} on the pseudo-network to crash; its nodes are: ${names || 'none'}.`);
    }
    this.#exchange.environment.trace.fault('crash', target);
    this.#exchange.crash(target);
  }

  /** A crashed node or process may have transports again; those it had stay dead. Throws ConfigError when it is up. */
  restart(target: string): void {
    this.#exchange.restart(checkTarget(target));
    this.#exchange.environment.trace.fault('restart', target);
  }
}
