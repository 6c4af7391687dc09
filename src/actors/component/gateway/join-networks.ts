import { ConfigError, StoppedError } from '../../../errors.js';
import { namedMessageOf, shownValue } from '../../../foreign.js';
import { limits } from '../../../limits.js';
import { accepted, checkOptions } from '../../../options/index.js';
import type { AnyService, v1 } from '../../../protocol/index.js';
import { type ActorRef, type Explainer, type Fact, isService, systemKey } from '../../kernel/index.js';
import type { Runtime } from '../../runtime/index.js';
import { isOfService } from '../define.js';
import { ComponentNetwork, groupOf, isNetworkName, type ReachedNetwork } from '../network/index.js';
import { GatewayNetwork } from './gateway-network.js';
import { GatewayPool } from './gateway-pool.js';
import { RequestBudget } from './request-budget.js';

export interface JoinNetworksOptions {
  /** Services of components whose requests may go from one network to another. */
  readonly services: readonly AnyService[];
  /** Requests that it passes on, or finds a container for, at a time; one more is refused. Default 1 024. */
  readonly requests?: number;
}

const JOIN = {
  services: accepted.object,
  requests: accepted.count,
};

/** What a gateway reaches from one network for one service. `JSON.stringify` accepts it. */
export interface GatewayRoute {
  readonly service: string;
  /** Name of the network that requests come from. */
  readonly from: string;
  /** Requests of it that are passed on, or wait for a container. */
  readonly requests: number;
  readonly reached: readonly ReachedNetwork[];
}

/** One gateway between component networks. Made by `joinNetworks`. */
export class NetworkGateway {
  readonly #runtimes: readonly Runtime[];
  readonly #networks: GatewayNetwork[] = [];
  readonly #pools: GatewayPool[] = [];
  /** With what undoes it. */
  readonly #registered: { readonly runtime: Runtime; readonly group: string; readonly ref: PoolRef }[] = [];
  readonly #explainer: Explainer = (what) => this.#factsOf(what);
  #isRefusing = false;
  readonly #refuse = (): void => {
    this.#isRefusing = true;
    for (const pool of this.#pools) pool.refuse();
  };
  #closing: Promise<void> | undefined;

  private constructor(runtimes: readonly Runtime[]) {
    this.#runtimes = runtimes;
    for (const { draining, [systemKey]: system } of runtimes) {
      draining.addEventListener('abort', this.#refuse);
      system.explainers.add(this.#explainer);
    }
  }

  /** What it reaches now, from each network. */
  explain(): readonly GatewayRoute[] {
    return this.#pools.map(({ service, network, requests, reached }) => ({
      service: service.typeName,
      from: network,
      requests,
      reached,
    }));
  }

  #factsOf(what: string): readonly Fact[] {
    return this.#pools
      .filter(({ service }) => isOfService(service, what))
      .map(({ service: { typeName: service }, network: from, requests, reached }): Fact => {
        const ways = reached.map(
          ({ path, containers, idle }) => `"${path.join('" by "')}" (${containers} containers, ${idle} idle)`,
        );
        const where = ways.length === 0 ? 'reaches no other network that has it' : `reaches ${ways.join(', ')}`;
        const text = `This process is a gateway: from "${from}" it ${where}; ${requests} requests are on their way.`;
        return { kind: 'gateway', subject: service, text, numbers: { requests } };
      });
  }

  /** Takes no further request; resolves when those that it passes on have ended, at the latest after `drainMs`. The networks go on. Idempotent. */
  close({ drainMs = limits.drainTimeoutMs }: { readonly drainMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(drainMs);
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  static async open(
    networks: readonly (readonly [name: string, network: ComponentNetwork])[],
    { services, requests = limits.networkGatewayRequests }: JoinNetworksOptions,
  ): Promise<NetworkGateway> {
    const gateway = new NetworkGateway(networks.map(([, { runtime }]) => runtime));
    const budget = new RequestBudget(requests);
    try {
      for (const service of services) await gateway.#openService(service, networks, budget);
    } catch (error) {
      await gateway.close({ drainMs: 0 });
      throw error;
    }
    return gateway;
  }

  async #openService(
    service: AnyService,
    networks: readonly (readonly [name: string, network: ComponentNetwork])[],
    budget: RequestBudget,
  ): Promise<void> {
    const opened: GatewayNetwork[] = [];
    for (const [name, network] of networks) opened.push(await GatewayNetwork.open(name, network, service));
    this.#networks.push(...opened);
    for (const { name, conflict } of opened) {
      if (conflict !== undefined) {
        throw new ConfigError(
          `The network "${name}" has a gateway that calls it "${conflict}": give it the same name in all gateways.`,
        );
      }
    }
    const check = (): void => this.#checkApart(opened);
    for (const own of opened) {
      const others = opened.filter((each) => each !== own);
      const pool = new GatewayPool({ service, own, others, budget, checkApart: check });
      this.#pools.push(pool);
      const [runtime, group, ref] = [own.runtime, groupOf(service), pool.start()];
      this.#registered.push({ runtime, group, ref });
      await runtime.register(group, ref, { group: true });
    }
    if (this.#runtimes.some(({ draining }) => draining.aborted))
      throw new StoppedError('A runtime of the gateway stops.');
  }

  /** Two networks may have become one after the start. Requests would only go in a circle then. */
  #checkApart(networks: readonly GatewayNetwork[]): void {
    if (this.#isRefusing) return;
    for (const one of networks) {
      const other = networks.find((each) => each !== one && one.pool !== undefined && each.has(one.pool));
      if (other === undefined) continue;
      one.log.error('two networks of a gateway are one, and it takes no further request: close it', {
        one: one.name,
        other: other.name,
      });
      this.#refuse();
      return;
    }
  }

  async #close(drainMs: number): Promise<void> {
    for (const { draining, [systemKey]: system } of this.#runtimes) {
      draining.removeEventListener('abort', this.#refuse);
      system.explainers.delete(this.#explainer);
    }
    this.#refuse();
    for (const { runtime, group, ref } of this.#registered) {
      await runtime.unregister(group, ref).catch((error: unknown) => {
        runtime[systemKey].callServices.log.debug('a gateway has not left its group', { error: namedMessageOf(error) });
      });
    }
    await Promise.all(this.#pools.map((pool) => pool.emptied(drainMs)));
    for (const pool of this.#pools) pool.drain();
    await Promise.all(this.#registered.map(({ runtime, ref }) => runtime[systemKey].stop(ref)));
    for (const network of this.#networks) network.close();
  }
}

type PoolRef = ActorRef<typeof v1.ComponentPool>;

/**
 * Makes this process a gateway between component networks of two or more clusters: a runtime of this process is in each. Peers of a network see one more pool, which has what
 * the other networks have, and no process of these. A request goes there where no process of its own network has a container in time, unless it says `only: 'network'`. A network
 * must have the same name in all gateways. Rejects with ConfigError for networks that are one, and for a name that another gateway gives to none or to another network.
 *
 *     const gateway = await joinNetworks({ shop: networkA, depot: networkB }, { services: [Stock] });
 */
export async function joinNetworks(
  networks: Readonly<Record<string, ComponentNetwork>>,
  options: JoinNetworksOptions,
): Promise<NetworkGateway> {
  const of = 'joinNetworks';
  if (!isPlain(networks)) {
    throw new ConfigError(`${of} needs networks by their names, as in { shop, depot }, not ${shownValue(networks)}.`);
  }
  checkOptions(of, options, JOIN);
  const named = Object.entries(networks);
  if (named.length < 2) throw new ConfigError(`${of} needs two networks at least, as in { shop, depot }.`);
  for (const [name, network] of named) {
    if (!isNetworkName(name)) {
      throw new ConfigError(
        `The name of a network has 1 to 64 whole characters, none of control: ${shownValue(name)} has not.`,
      );
    }
    const given: unknown = network;
    if (!(given instanceof ComponentNetwork)) {
      throw new ConfigError(`${of} needs a network of componentNetwork as "${name}", not ${shownValue(given)}.`);
    }
  }
  checkServices(of, options?.services);
  checkApart(named);
  for (const [name, { runtime }] of named) checkLetIn(name, runtime);
  return NetworkGateway.open(named, options);
}

function checkServices(of: string, services: unknown): void {
  const isList = Array.isArray(services) && services.length > 0;
  if (isList && services.every(isService) && new Set(services.map(({ typeName }) => typeName)).size === services.length)
    return;
  throw new ConfigError(`services of ${of} must be a list of services of modules that millrace gen made, each once.`);
}

/** Two runtimes of one cluster, or of one network of seeds, would be a gateway that leads back to itself. */
function checkApart(named: readonly (readonly [string, ComponentNetwork])[]): void {
  for (const [index, [name, { runtime }]] of named.entries()) {
    for (const [other, { runtime: otherRuntime }] of named.slice(0, index)) {
      if (!areOne(runtime, otherRuntime)) continue;
      throw new ConfigError(
        `"${other}" and "${name}" are one network: a gateway joins networks of different clusters.`,
      );
    }
  }
}

/** Another process of its cluster would be looked for in vain, again and again. */
function checkLetIn(name: string, runtime: Runtime): void {
  const refusal = runtime.network()?.unanswered.find(({ hasRefused }) => hasRefused);
  if (refusal === undefined) return;
  throw new ConfigError(
    `The gateway is not let into the network "${name}": ${refusal.why} Start its runtime with the key of that network.`,
  );
}

/** Of this realm or another one: no instance of a class. */
function isPlain(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function areOne(one: Runtime, other: Runtime): boolean {
  if (one === other || one.controlPlane === other.controlPlane) return true;
  const id = other[systemKey].incarnation.toString(16).padStart(16, '0');
  return one.network() !== undefined && one.members().some((member) => member.id === id);
}
