import { expect } from 'chai';
import { VirtualScheduler } from '#src/scheduler/index.js';
import type { Transport } from '#src/transport/index.js';
import { MemoryNetwork } from '#src/transport/memory/index.js';
import type { MemoryNetworkOptions } from '#src/transport/memory/index.js';
import { Peer } from '../compliance/peer.js';
import { until } from '../../support/until.js';

export type WorldOptions = Omit<MemoryNetworkOptions, 'scheduler' | 'trace'> & { readonly seed?: number };

/** A pseudo-network in virtual time, with its trace. */
export class World {
  readonly scheduler: VirtualScheduler;
  readonly network: MemoryNetwork;
  readonly trace: string[] = [];
  readonly crashed: string[] = [];
  readonly #transports: Transport[] = [];

  constructor(options: WorldOptions = {}) {
    const { seed = 7, ...others } = options;
    this.scheduler = new VirtualScheduler({ seed });
    this.network = new MemoryNetwork({ ...others, scheduler: this.scheduler, trace: (line) => this.trace.push(line) });
  }

  /** A process called `node/process`. */
  start(name: string, options: { readonly linkDeadMs?: number } = {}): Transport {
    const [node = '', process = ''] = name.split('/');
    const transport = this.network.transport({ ...options, node, process, crashed: () => this.crashed.push(name) });
    this.#transports.push(transport);
    return transport;
  }

  /** A link between two fresh processes. */
  async link(
    clientName: string,
    serverName: string,
    clientOptions: { readonly linkDeadMs?: number } = {},
  ): Promise<{ readonly client: Peer; readonly server: Peer }> {
    const [near, far] = [this.start(clientName, clientOptions), this.start(serverName)];
    const accepted: Peer[] = [];
    const address = await far.listen((link) => accepted.push(new Peer(far, link)));
    const client = new Peer(near, await near.connect(address, { timeoutMs: 30_000 }));
    const [server] = accepted;
    if (server === undefined) throw new Error('no link was accepted');
    return { client, server };
  }

  /** Resolves when virtual time has reached `atMs` and its turns have run. */
  async reach(atMs: number): Promise<void> {
    let isReached = false;
    this.scheduler.setTimer(atMs - this.scheduler.now(), () => {
      isReached = true;
    });
    await until(`${atMs} ms`, () => isReached);
  }

  events(name: string): string[] {
    return this.trace.filter((line) => line.split(' ')[1] === name);
  }

  /** Closes everything; nothing may be left. */
  async end(): Promise<void> {
    this.network.heal();
    await Promise.all(this.#transports.map((transport) => transport.close()));
    const isQuiet = (): boolean => this.network.statistics.timers === 0 && this.scheduler.pendingTimers === 0;
    await until('the network to be quiet', isQuiet);
    const nothing = { processes: 0, openLinks: 0, framesInFlight: 0, bytesInFlight: 0, timers: 0 };
    expect(this.network.statistics).to.deep.equal(nothing);
    this.scheduler.close();
  }
}
