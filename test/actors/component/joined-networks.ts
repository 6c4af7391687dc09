import {
  type ComponentNetwork,
  componentNetwork,
  joinNetworks,
  type NetworkGateway,
} from '#src/actors/component/index.js';
import type { Runtime, RuntimeOptions } from '#src/actors/runtime/index.js';
import type { Cluster } from '../runtime/harness.js';
import { Listing } from '../transport/errands.js';
import { porter } from './porter.js';

/** Time in which every process knows what gateways reach, in ms. */
export const NEWS_MS = 10_000;

/** Clusters that share nothing but the pseudo-network of a test, and gateways between them. */
export class JoinedNetworks {
  readonly cluster: Cluster;
  readonly #first = new Map<string, Runtime>();

  constructor(cluster: Cluster) {
    this.cluster = cluster;
  }

  /** A process of a network: the first one serves its control plane, or is the seed of the others where `isSeeded`. */
  async process(network: string, node: string, { isSeeded = false } = {}): Promise<Runtime> {
    const first = this.#first.get(network);
    const join: RuntimeOptions = isSeeded
      ? { network: { seeds: first === undefined ? [] : [first.controlPlane] } }
      : first === undefined
        ? {}
        : { controlPlane: first.controlPlane };
    const runtime = await this.cluster.executor.start({ node, name: network, ...join });
    this.#first.set(network, first ?? runtime);
    this.cluster.started.push(runtime);
    return runtime;
  }

  /** A process that serves as many containers; none where it is 0. */
  async serving(network: string, containers: number, node = network): Promise<ComponentNetwork> {
    const served = componentNetwork(await this.process(network, node));
    if (containers > 0) await served.serve(porter, { containers });
    return served;
  }

  async gateway(names: readonly string[], options: { readonly requests?: number } = {}): Promise<NetworkGateway> {
    const node = `gate-${names.join('-')}`;
    const joined: Record<string, ComponentNetwork> = {};
    for (const name of names) joined[name] = componentNetwork(await this.process(name, node));
    return joinNetworks(joined, { services: [Listing], ...options });
  }
}
