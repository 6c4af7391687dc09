import { limits } from '../../limits.js';
import { silentLogger } from '../../logging/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import {
  type Companion,
  type DialOptions,
  Door,
  type DoorOptions,
  type Introduction,
  Vigil,
} from '../companion/index.js';
import { LiveLinks } from '../live-links.js';
import type { Link, Transport } from '../transport.js';
import { type LinkOwner, NetLink } from './link.js';
import { Slabs } from './slabs.js';

export interface NetTransportOptions extends DoorOptions {
  /** Silence after which a peer is unresponsive, and a host that acknowledges nothing is gone. Default `limits.linkDeadMs`. */
  readonly linkDeadMs?: number;
}

/** What a transport holds: all 0 once it is closed, but for what it has refused. */
export interface NetStatistics {
  readonly links: number;
  readonly hellos: number;
  readonly dials: number;
  readonly slabs: number;
  /** Connections turned away by the listener. */
  readonly refused: number;
  /** Links whose peers are silent. */
  readonly unresponsive: number;
}

/** Links over sockets: Unix on one host, TCP or TLS between hosts. The way between processes where there is no faster one. */
export class NetTransport implements Transport {
  readonly name = 'net';
  readonly #door: Door;
  readonly #scheduler: Scheduler;
  readonly #slabs = new Slabs();
  readonly #vigil: Vigil;
  readonly #links = new LiveLinks<NetLink>();
  readonly #owner: LinkOwner;
  readonly #introduce = (): Introduction => ({ address: this.#door.address, capabilities: [] });
  #unsent: NetLink[] = [];
  #linksMade = 0;

  constructor(options: NetTransportOptions) {
    const { scheduler, log = silentLogger } = options;
    this.#door = new Door('net', options);
    this.#scheduler = scheduler;
    this.#vigil = new Vigil(scheduler, log, options.linkDeadMs ?? limits.linkDeadMs);
    this.#owner = {
      scheduler,
      slabs: this.#slabs,
      vigil: this.#vigil,
      hasUnsent: (link) => this.#unsent.push(link),
      gone: (link) => this.#links.ended(link),
    };
  }

  get statistics(): NetStatistics {
    return {
      links: this.#links.size,
      hellos: this.#door.hellos,
      dials: this.#door.dials,
      slabs: this.#slabs.taken,
      refused: this.#door.refused,
      unresponsive: this.#vigil.unresponsive,
    };
  }

  listen(onLink: (link: Link) => void): Promise<string> {
    return this.#door.listen(this.#introduce, (companion) => onLink(this.#link(companion)));
  }

  async connect(address: string, options: DialOptions): Promise<Link> {
    return this.#link(await this.#door.dial(address, this.#introduce, options));
  }

  flush(): void {
    const unsent = this.#unsent;
    this.#unsent = [];
    for (const link of unsent) link.flush();
  }

  /** Resolves when the owners of all its links were told, and what was sent has arrived or had its time (linkLingerMs). */
  async close(): Promise<void> {
    const closed = this.#door.close();
    for (const link of this.#links) link.close();
    await closed;
    await this.#links.allEnded();
    // In the turn after those in which the links tell their end.
    await new Promise<void>((resolve) => this.#scheduler.schedule(resolve));
  }

  /** Ends at once, as the end of the process would: peers see their links reset, and owners hear nothing. */
  async abort(): Promise<void> {
    const closed = this.#door.close();
    for (const link of this.#links) link.abort();
    await closed;
  }

  #link(companion: Companion): NetLink {
    this.#linksMade += 1;
    const link = new NetLink(this.#linksMade, companion, this.#owner);
    this.#links.add(link);
    return link;
  }
}
