import { namedMessageOf } from '../../../foreign.js';
import type { Logger } from '../../../logging/index.js';
import type { AnyService, v1 } from '../../../protocol/index.js';
import { type ActorRef, systemKey } from '../../kernel/index.js';
import type { Runtime } from '../../runtime/index.js';
import {
  type Acquirer,
  type ComponentNetwork,
  isNetworkName,
  isSameActor,
  type KnownPool,
  type PoolDirectory,
  useKey,
} from '../network/index.js';

/** One component in one network, as a gateway sees it. */
export class GatewayNetwork {
  /** The same in all gateways of the network. */
  readonly name: string;
  readonly runtime: Runtime;
  readonly directory: PoolDirectory;
  readonly acquirer: Acquirer;
  readonly log: Logger;
  /** The gateway's own pool in this network. */
  pool: ActorRef<typeof v1.ComponentPool> | undefined;
  /** Of a gateway with another name for the network. One warning is enough: a peer may make up any number of names. */
  #hasWarned = false;
  #isRefreshing = false;

  private constructor(name: string, runtime: Runtime, use: Pick<GatewayNetwork, 'directory' | 'acquirer'>) {
    this.name = name;
    this.runtime = runtime;
    this.directory = use.directory;
    this.acquirer = use.acquirer;
    this.log = runtime[systemKey].callServices.log;
  }

  static async open(name: string, network: ComponentNetwork, service: AnyService): Promise<GatewayNetwork> {
    const use = await network[useKey](service);
    const opened = new GatewayNetwork(name, network.runtime, use);
    await opened.refresh();
    return opened;
  }

  /** What a request from another network may be handled by, and what is reported of this one. */
  get pools(): readonly KnownPool[] {
    return this.directory.pools.filter((pool) => !this.avoids(pool));
  }

  /** Another number where `pools` may have changed. */
  get changes(): number {
    return this.directory.changes + (this.pool === undefined ? 0 : 1);
  }

  /** The gateway itself, and one that has another name for this network: with two names, no list of networks would say where a request has been. */
  avoids(pool: KnownPool): boolean {
    return this.isOwn(pool) || this.#namesOther(pool);
  }

  isOwn({ ref }: KnownPool): boolean {
    return this.pool !== undefined && isSameActor(ref, this.pool);
  }

  has(ref: ActorRef<typeof v1.ComponentPool>): boolean {
    return this.directory.pools.some((pool) => isSameActor(pool.ref, ref));
  }

  /** Another name that a gateway there has for this network. */
  get conflict(): string | undefined {
    for (const pool of this.directory.pools) {
      // A peer may say what is no name: that is in no error, and in no log.
      const { network = '' } = pool.load?.gateway ?? {};
      if (!this.isOwn(pool) && this.#namesOther(pool) && isNetworkName(network)) return network;
    }
    return undefined;
  }

  /** Asks all pools to tell what changes: links may have been lost, and with them what the pools know of this process. */
  async refresh(): Promise<void> {
    await this.directory.watch(this, () => true);
    const { conflict } = this;
    if (conflict === undefined || this.#hasWarned) return;
    this.#hasWarned = true;
    this.log.warn('another gateway has another name for a network, and is not used', {
      name: this.name,
      other: conflict,
    });
  }

  /** One at a time: where pools do not answer, it takes longer than the time between two of them. */
  refreshSoon(): void {
    if (this.#isRefreshing) return;
    this.#isRefreshing = true;
    void this.refresh()
      .catch((error: unknown) => {
        this.log.debug('the pools of a network were not asked', {
          network: this.name,
          error: namedMessageOf(error),
        });
      })
      .finally(() => (this.#isRefreshing = false));
  }

  close(): void {
    this.directory.unwatch(this);
  }

  #namesOther({ load }: KnownPool): boolean {
    return load?.gateway !== undefined && load.gateway.network !== this.name;
  }
}
