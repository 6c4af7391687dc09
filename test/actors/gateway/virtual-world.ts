import { expect } from 'chai';
import type { Runtime } from '#src/actors/runtime/index.js';
import type { Client } from '#src/client/index.js';
import { connectOn, type ConnectOptions } from '#src/client/connect.js';
import { virtualCluster, type VirtualCluster } from '#src/testing/index.js';
import { Listing } from '../transport/errands.js';
import { MemoryGateway, type MemorySocket, TOKEN } from './memory-pair.js';
import { Stall } from './stall.js';

/** A gateway in a virtual process, the actor `stall`, and clients with sockets in memory. */
export class VirtualWorld {
  readonly cluster: VirtualCluster;
  readonly stall = new Stall();
  gateway: MemoryGateway;
  readonly #clients: Client[] = [];

  constructor(cluster: VirtualCluster) {
    this.cluster = cluster;
    this.gateway = new MemoryGateway(cluster.runtimes[0]);
  }

  /** With two nodes, the actor is on the one that is not the gateway's. */
  static async start(nodes = 1): Promise<VirtualWorld> {
    const world = new VirtualWorld(await virtualCluster({ nodes }));
    await world.far.register('stall', world.far.spawn(world.stall.behavior));
    return world;
  }

  /** The process of the actor. */
  get far(): Runtime {
    return this.cluster.runtimes.at(-1) ?? this.cluster.runtimes[0];
  }

  /** Checks that nothing is left. */
  async stop(): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.cluster.pass(1_000);
    const { authenticated, unauthenticated, calls } = this.gateway.clients;
    expect([authenticated, unauthenticated, calls, this.stall.listing]).to.deep.equal([0, 0, 0, 0]);
    await this.cluster.stop();
    expect(this.cluster.scheduler.pendingTimers).to.equal(0);
  }

  async connect(options: Partial<ConnectOptions> = {}): Promise<Client> {
    const client = await connectOn(this.gateway.platform, { url: 'ws://memory/', token: TOKEN, ...options });
    this.#clients.push(client);
    return client;
  }

  async found(options: Partial<ConnectOptions> = {}) {
    const client = await this.connect(options);
    return { client, ref: await client.lookup(Listing, 'stall') };
  }

  /** The socket that was opened last. */
  get socket(): MemorySocket {
    const last = this.gateway.sockets.at(-1);
    if (last === undefined) throw new Error('no socket');
    return last;
  }
}
