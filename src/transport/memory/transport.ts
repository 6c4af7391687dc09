import { ConfigError, StoppedError } from '../../errors.js';
import { limits } from '../../limits.js';
import { LiveLinks } from '../live-links.js';
import type { Link, Transport } from '../transport.js';
import type { Endpoint, Exchange } from './exchange.js';
import { Handshake, type HandshakeOptions } from './handshake.js';
import type { LinkOwner, MemoryLink } from './link.js';
import type { Place } from './place.js';

export interface MemoryEndpointOptions {
  readonly exchange: Exchange;
  readonly place: Place;
  readonly address: string;
  readonly linkDeadMs: number;
  readonly onCrash: () => void;
}

/** The transport of one virtual process. */
export class MemoryTransport implements Transport, Endpoint {
  readonly name = 'memory';
  readonly place: Place;
  readonly address: string;
  readonly linkDeadMs: number;
  readonly links: LinkOwner;
  readonly #exchange: Exchange;
  readonly #onCrash: () => void;
  readonly #open = new Set<MemoryLink>();
  /** Closed by their owner, with frames of theirs in flight. */
  readonly #lingering = new LiveLinks<MemoryLink>();
  readonly #handshakes = new Set<Handshake>();
  #unsent: MemoryLink[] = [];
  #onLink: ((link: Link) => void) | undefined;
  #linksMade = 0;
  #isClosed = false;

  constructor(options: MemoryEndpointOptions) {
    this.place = options.place;
    this.address = options.address;
    this.linkDeadMs = options.linkDeadMs;
    this.#exchange = options.exchange;
    this.#onCrash = options.onCrash;
    this.links = {
      began: (link) => this.#open.add(link),
      hasUnsent: (link) => this.#unsent.push(link),
      ended: (link) => this.#open.delete(link),
      lingers: (link) => this.#lingering.add(link),
      settled: (link) => this.#lingering.ended(link),
    };
  }

  get isListening(): boolean {
    return this.#onLink !== undefined;
  }

  async listen(onLink: (link: Link) => void): Promise<string> {
    this.#assertOpen();
    if (this.#onLink !== undefined) throw new ConfigError(`${this.address} already listens.`);
    this.#onLink = onLink;
    return this.address;
  }

  async connect(address: string, options: HandshakeOptions): Promise<Link> {
    this.#assertOpen();
    const handshake = new Handshake(this.#exchange, this, address, (over) => this.#handshakes.delete(over));
    this.#handshakes.add(handshake);
    handshake.begin(options);
    return handshake.link;
  }

  flush(): void {
    const unsent = this.#unsent;
    this.#unsent = [];
    for (const link of unsent) link.flush();
  }

  /** Resolves after `closed` was called on all its links, and all frames have arrived or `limits.linkLingerMs` has passed. */
  async close(): Promise<void> {
    if (!this.#isClosed) {
      this.#stop();
      for (const link of this.#open) link.close();
    }
    const { clock } = this.#exchange.environment;
    const linger = clock.after(limits.linkLingerMs, () => {
      for (const link of this.#lingering) link.expire();
    });
    await this.#lingering.allEnded();
    clock.cancel(linger);
    // The links call `closed` in the turns before this one.
    await new Promise<void>((resolve) => clock.after(0, resolve));
  }

  nextLinkId(): number {
    this.#linksMade += 1;
    return this.#linksMade;
  }

  accept(link: Link): void {
    this.#onLink?.(link);
  }

  crash(): void {
    if (this.#isClosed) return;
    this.#stop();
    this.#onCrash();
  }

  #stop(): void {
    this.#isClosed = true;
    this.#onLink = undefined;
    this.#exchange.leave(this);
    for (const handshake of this.#handshakes) handshake.stop();
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new StoppedError(`The transport of ${this.address} is closed.`);
  }
}
