import { ConfigError } from '../../../errors.js';
import { shownValue } from '../../../foreign.js';
import type { ClusterNames } from '../cluster-names.js';
import { NamedCalls } from '../named-calls.js';
import type { MemberOfNetwork, NetworkDescription } from './network-view.js';
import type { RuntimeNetwork } from './runtime-network.js';

/** The calls of a runtime that concern the network that it has joined by `seeds`. Without one they throw ConfigError. */
export class NetworkCalls extends NamedCalls {
  readonly #network: () => RuntimeNetwork | undefined;

  constructor(names: () => ClusterNames, network: () => RuntimeNetwork | undefined) {
    super(names);
    this.#network = network;
  }

  /**
   * The processes of the network, this one first, as far as this one knows: nobody knows better, and two processes may know different things for a while.
   *
   *     for (const { node, status } of runtime.members()) console.log(node, status);
   */
  members(): readonly MemberOfNetwork[] {
    return this.#joined('members()').members();
  }

  /**
   * Calls `listener` with all members, now and after each change. Returns a function that ends that.
   *
   *     const unwatch = runtime.watchMembers((members) => console.log(members.length));
   */
  watchMembers(listener: (members: readonly MemberOfNetwork[]) => void): () => void {
    if (typeof listener !== 'function') {
      throw new ConfigError(`runtime.watchMembers needs a function, not ${shownValue(listener)}.`);
    }
    return this.#joined('watchMembers(listener)').watch(listener);
  }

  /** Counters of the network of this process; undefined where it is in none. */
  network(): NetworkDescription | undefined {
    return this.#network()?.describe();
  }

  /** Sets how many bytes a second this process may send to coordinate its network. Signs of life are sent in any case; the rest waits. */
  limitCoordination(bytesPerSecond: number): void {
    if (!Number.isInteger(bytesPerSecond) || bytesPerSecond < 1) {
      throw new ConfigError(
        `runtime.limitCoordination needs a whole number of bytes a second, 1 or more, not ${shownValue(bytesPerSecond)}.`,
      );
    }
    this.#joined('limitCoordination(bytes)').limit(bytesPerSecond);
  }

  #joined(call: string): RuntimeNetwork {
    const network = this.#network();
    if (network !== undefined) return network;
    throw new ConfigError(`runtime.${call} needs a network: start the runtime with the option seeds.`);
  }
}
