import { limits } from '../../limits.js';
import { silentLogger } from '../../logging/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import {
  type PeerConnection,
  type DialOptions,
  ConnectionManager,
  type ConnectionManagerOptions,
  type Hello,
  LivenessMonitor,
  type StreamProtocol,
} from '../handshake/index.js';
import { BufferPool } from '../buffer-pool.js';
import { LiveLinks } from '../live-links.js';
import type { Link, Transport } from '../transport.js';
import { type LinkOwner, StreamLink } from './link.js';

export interface StreamTransportOptions extends ConnectionManagerOptions {
  /** A peer that is silent for this long, in ms, is unresponsive; a host that acknowledges nothing is lost. Default `limits.linkDeadMs`. */
  readonly linkDeadMs?: number;
}

/** Current counts of a transport. After `close`, all but `rejected` are 0. */
export interface StreamStatistics {
  readonly links: number;
  readonly handshakes: number;
  readonly dials: number;
  /** Buffers of frames that are written, or have arrived in part. */
  readonly buffers: number;
  /** Connections that the listener has rejected. */
  readonly rejected: number;
  /** Links whose peers are unresponsive. */
  readonly unresponsive: number;
}

/** Links over authenticated streams of bytes. A subclass says which streams. */
export class StreamTransport implements Transport {
  readonly name: string;
  readonly #connections: ConnectionManager;
  readonly #scheduler: Scheduler;
  readonly #pool = new BufferPool();
  readonly #liveness: LivenessMonitor;
  readonly #links = new LiveLinks<StreamLink>();
  readonly #owner: LinkOwner;
  readonly #makeHello = (): Hello => ({ address: this.#connections.address, capabilities: [] });
  #unsent: StreamLink[] = [];
  #linksMade = 0;

  constructor(name: string, protocol: StreamProtocol, options: StreamTransportOptions) {
    const { scheduler, log = silentLogger } = options;
    this.name = name;
    this.#connections = new ConnectionManager(name, protocol, options);
    this.#scheduler = scheduler;
    this.#liveness = new LivenessMonitor(scheduler, log, options.linkDeadMs ?? limits.linkDeadMs);
    this.#owner = {
      name,
      mediumOf: (socket) => protocol.mediumOf(socket),
      repeatsOf: (socket) => protocol.repeatsOf?.(socket),
      scheduler,
      pool: this.#pool,
      liveness: this.#liveness,
      hasUnsent: (link) => this.#unsent.push(link),
      gone: (link) => this.#links.ended(link),
    };
  }

  get statistics(): StreamStatistics {
    return {
      links: this.#links.size,
      handshakes: this.#connections.handshakes,
      dials: this.#connections.dials,
      buffers: this.#pool.taken,
      rejected: this.#connections.rejected,
      unresponsive: this.#liveness.unresponsive,
    };
  }

  listen(onLink: (link: Link) => void): Promise<string> {
    return this.#connections.listen(this.#makeHello, (connection) => onLink(this.#link(connection)));
  }

  async connect(address: string, options: DialOptions): Promise<Link> {
    return this.#link(await this.#connections.dial(address, this.#makeHello, options));
  }

  flush(): void {
    const unsent = this.#unsent;
    this.#unsent = [];
    for (const link of unsent) link.flush();
  }

  /** Resolves after `closed` was called on all its links, and all frames have arrived or `limits.linkLingerMs` has passed. */
  async close(): Promise<void> {
    const closed = this.#connections.close();
    for (const link of this.#links) link.close();
    await closed;
    await this.#links.allEnded();
    // The links call `closed` in the turns before this one.
    await new Promise<void>((resolve) => this.#scheduler.schedule(resolve));
  }

  /** Ends at once, as if the process had exited: peers see their links reset, and no handlers are called here. */
  async abort(): Promise<void> {
    const closed = this.#connections.close();
    for (const link of this.#links) link.abort();
    await closed;
  }

  #link(connection: PeerConnection): StreamLink {
    this.#linksMade += 1;
    const link = new StreamLink(this.#linksMade, connection, this.#owner);
    this.#links.add(link);
    return link;
  }
}
