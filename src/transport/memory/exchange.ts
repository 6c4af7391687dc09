import { ConfigError, UnreachableError } from '../../errors.js';
import type { Link } from '../transport.js';
import { VirtualConnection } from './virtual-connection.js';
import type { Environment } from './environment.js';
import { type Faults, faultsFrom, isReliable } from './faults.js';
import type { LinkOwner, MemoryLink } from './link.js';
import { addressOf, isAt, type Place } from './place.js';

/** A process on the network. */
export interface Endpoint {
  readonly place: Place;
  readonly address: string;
  readonly links: LinkOwner;
  /** A link that is cut for this long ends at this end. */
  readonly linkDeadMs: number;
  readonly isListening: boolean;
  nextLinkId(): number;
  accept(link: Link): void;
  /** Called when its process crashes. */
  crash(): void;
}

export interface Cut {
  readonly one: readonly string[];
  readonly other: readonly string[];
  /** Only what `one` sends to `other` is cut. */
  readonly isOneWay: boolean;
}

export function nameOfCut({ one, other, isOneWay }: Cut): string {
  return `${one.join(',')} ${isOneWay ? '->' : '|'} ${other.join(',')}`;
}

interface Override {
  readonly one: string;
  readonly other: string;
  readonly faults: Partial<Faults>;
}

/** The state of one network: its processes, the connections between them, and the cuts and faults in force. */
export class Exchange {
  readonly environment: Environment;
  readonly #faults: Faults;
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #connections = new Set<VirtualConnection>();
  readonly #overrides: Override[] = [];
  readonly #down = new Set<string>();
  #cuts: Cut[] = [];
  #held: (() => void)[] = [];
  #connectionsMade = 0;

  constructor(environment: Environment, faults: Faults) {
    this.environment = environment;
    this.#faults = faults;
  }

  get connections(): Iterable<VirtualConnection> {
    return this.#connections;
  }

  get endpoints(): number {
    return this.#endpoints.size;
  }

  get mayLose(): boolean {
    return [this.#faults, ...this.#overrides.map(({ faults }) => faultsFrom(faults))].some(
      (faults) => !isReliable(faults),
    );
  }

  find(address: string): Endpoint | undefined {
    return this.#endpoints.get(address);
  }

  /** Throws UnreachableError if the node or process has crashed and was not restarted. */
  join(endpoint: Endpoint): void {
    for (const target of this.#down) {
      if (!isAt(endpoint.place, target)) continue;
      throw new UnreachableError(`${target} has crashed: restart it before you start a process there.`);
    }
    this.#endpoints.set(endpoint.address, endpoint);
  }

  leave(endpoint: Endpoint): void {
    // The process may have crashed and been started again: then another one has the address.
    if (this.#endpoints.get(endpoint.address) === endpoint) this.#endpoints.delete(endpoint.address);
  }

  /** The first address of the place that nobody has: a process that starts again has the addresses of the one before. */
  freeAddress(place: Place): string {
    for (let index = 0; ; index++) {
      const address = addressOf(place, index);
      if (!this.#endpoints.has(address)) return address;
    }
  }

  override(one: string, other: string, faults: Partial<Faults>): void {
    this.#overrides.push({ one, other, faults });
  }

  faultsBetween(one: Place, other: Place): Faults {
    let faults = this.#faults;
    for (const override of this.#overrides) {
      if (isBetween(one, other, [override.one], [override.other])) faults = faultsFrom(override.faults, faults);
    }
    return faults;
  }

  /** True if what `from` sends does not reach `to`. */
  isCut(from: Place, to: Place): boolean {
    return this.#cuts.some(({ one, other, isOneWay }) =>
      isOneWay ? isFrom(from, to, one, other) : isBetween(from, to, one, other),
    );
  }

  /** Makes a link from `client` to `server`. Its ends have no handlers yet. */
  connect(client: Endpoint, server: Endpoint): { readonly client: MemoryLink; readonly server: MemoryLink } {
    this.#connectionsMade += 1;
    const connection = new VirtualConnection({
      number: this.#connectionsMade,
      client,
      server,
      faults: this.faultsBetween(client.place, server.place),
      environment: this.environment,
      onGone: (gone) => this.#connections.delete(gone),
    });
    this.#connections.add(connection);
    // A cut in one direction lets the hello of a handshake pass.
    this.#cut(connection);
    this.environment.trace.opened({ number: this.#connectionsMade, from: client.address, to: server.address });
    return connection;
  }

  /** Calls `turn` once, after the next heal. */
  whenHealed(turn: () => void): void {
    this.#held.push(turn);
  }

  forget(turn: () => void): void {
    this.#held = this.#held.filter((held) => held !== turn);
  }

  /** Returns a function that heals this cut. */
  partition(cut: Cut): () => void {
    this.#cuts.push(cut);
    for (const connection of this.#connections) this.#cut(connection);
    return () => {
      if (!this.#cuts.includes(cut)) return;
      this.environment.trace.fault('heal', nameOfCut(cut));
      this.#setCuts(this.#cuts.filter((each) => each !== cut));
    };
  }

  #cut(connection: VirtualConnection): void {
    const { clientPlace, serverPlace } = connection;
    connection.cut({ client: this.isCut(serverPlace, clientPlace), server: this.isCut(clientPlace, serverPlace) });
  }

  heal(): void {
    this.#setCuts([]);
  }

  #setCuts(cuts: Cut[]): void {
    this.#cuts = cuts;
    for (const connection of this.#connections) this.#cut(connection);
    const held = this.#held;
    this.#held = [];
    for (const turn of held) turn();
  }

  crash(target: string): void {
    const dying = [...this.#endpoints.values()].filter((endpoint) => isAt(endpoint.place, target));
    this.#down.add(target);
    for (const endpoint of dying) this.#endpoints.delete(endpoint.address);
    for (const connection of this.#connections) {
      if (isAt(connection.clientPlace, target)) connection.crash(connection.client);
      if (isAt(connection.serverPlace, target)) connection.crash(connection.server);
    }
    for (const endpoint of dying) endpoint.crash();
  }

  restart(target: string): void {
    const back = [...this.#down].filter((down) => down === target || down.startsWith(`${target}/`));
    if (back.length === 0) throw new ConfigError(`${target} has not crashed: there is nothing to restart.`);
    for (const down of back) this.#down.delete(down);
  }
}

function isBetween(a: Place, b: Place, one: readonly string[], other: readonly string[]): boolean {
  return isFrom(a, b, one, other) || isFrom(b, a, one, other);
}

function isFrom(from: Place, to: Place, one: readonly string[], other: readonly string[]): boolean {
  return one.some((target) => isAt(from, target)) && other.some((target) => isAt(to, target));
}
