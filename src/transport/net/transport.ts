import { ConfigError, StoppedError } from '../../errors.js';
import { limits } from '../../limits.js';
import { type Logger, silentLogger } from '../../logging/index.js';
import { type Entropy, type Scheduler, systemEntropy } from '../../scheduler/index.js';
import {
  type Companion,
  CompanionListener,
  type CompanionSettings,
  Dial,
  type DialOptions,
  type LinkSecurity,
  type ListenOptions,
  Vigil,
} from '../companion/index.js';
import type { Link, Transport } from '../transport.js';
import { type LinkOwner, NetLink } from './link.js';
import { Slabs } from './slabs.js';

export interface NetTransportOptions extends ListenOptions, LinkSecurity {
  /** A real one. */
  readonly scheduler: Scheduler;
  readonly log?: Logger;
  readonly entropy?: Entropy;
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
  readonly #options: NetTransportOptions;
  readonly #settings: CompanionSettings;
  readonly #slabs = new Slabs();
  readonly #vigil: Vigil;
  readonly #links = new Set<NetLink>();
  readonly #dials = new Set<Dial>();
  readonly #owner: LinkOwner;
  #unsent: NetLink[] = [];
  #listener: CompanionListener | undefined;
  #address = '';
  #linksMade = 0;
  #isClosed = false;
  #whenEmpty: (() => void) | undefined;

  constructor(options: NetTransportOptions) {
    const { scheduler, log = silentLogger, entropy = systemEntropy, key, tls, keyless } = options;
    this.#vigil = new Vigil(scheduler, log, options.linkDeadMs ?? limits.linkDeadMs);
    this.#options = options;
    this.#settings = {
      scheduler,
      log,
      entropy,
      security: { ...(key && { key }), ...(tls && { tls }), ...(keyless && { keyless }) },
      introduce: () => ({ address: this.#address, capabilities: [] }),
    };
    this.#owner = {
      scheduler,
      slabs: this.#slabs,
      vigil: this.#vigil,
      hasUnsent: (link) => this.#unsent.push(link),
      gone: (link) => this.#gone(link),
    };
  }

  get statistics(): NetStatistics {
    return {
      links: this.#links.size,
      hellos: this.#listener?.hellos ?? 0,
      dials: this.#dials.size,
      slabs: this.#slabs.taken,
      refused: this.#listener?.refused ?? 0,
      unresponsive: this.#vigil.unresponsive,
    };
  }

  async listen(onLink: (link: Link) => void): Promise<string> {
    this.#assertOpen();
    if (this.#listener !== undefined) throw new ConfigError(`This transport listens at ${this.#address} already.`);
    const { listen, advertisedHost, socketFolder } = this.#options;
    const where = {
      ...(listen && { listen }),
      ...(advertisedHost && { advertisedHost }),
      ...(socketFolder && { socketFolder }),
    };
    this.#listener = new CompanionListener(this.#settings, where, (companion) => onLink(this.#link(companion)));
    try {
      this.#address = await this.#listener.open();
    } catch (error) {
      await this.#listener.close();
      this.#listener = undefined;
      throw error;
    }
    return this.#address;
  }

  async connect(address: string, options: DialOptions): Promise<Link> {
    this.#assertOpen();
    const dial = new Dial(address, this.#settings, options);
    this.#dials.add(dial);
    try {
      const companion = await dial.companion();
      if (this.#isClosed) companion.socket.destroy();
      this.#assertOpen();
      return this.#link(companion);
    } finally {
      this.#dials.delete(dial);
    }
  }

  flush(): void {
    const unsent = this.#unsent;
    this.#unsent = [];
    for (const link of unsent) link.flush();
  }

  /** Resolves when the owners of all its links were told, and what was sent has arrived or had its time (linkLingerMs). */
  async close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      for (const dial of this.#dials) dial.stop();
      for (const link of this.#links) link.close();
    }
    await this.#listener?.close();
    await this.#empty();
    // In the turn after those in which the links tell their end.
    await new Promise<void>((resolve) => this.#settings.scheduler.schedule(resolve));
  }

  /** Ends at once, as the end of the process would: peers see their links reset, and owners hear nothing. */
  async abort(): Promise<void> {
    this.#isClosed = true;
    for (const dial of this.#dials) dial.stop();
    for (const link of this.#links) link.abort();
    await this.#listener?.close();
  }

  #link(companion: Companion): NetLink {
    this.#linksMade += 1;
    const link = new NetLink(this.#linksMade, companion, this.#owner);
    this.#links.add(link);
    return link;
  }

  #gone(link: NetLink): void {
    this.#links.delete(link);
    if (this.#links.size === 0) this.#whenEmpty?.();
  }

  async #empty(): Promise<void> {
    if (this.#links.size === 0) return;
    await new Promise<void>((resolve) => {
      const others = this.#whenEmpty;
      this.#whenEmpty = () => {
        others?.();
        resolve();
      };
    });
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new StoppedError('This transport is closed.');
  }
}
