import { existsSync } from 'node:fs';
import { ConfigError, ProtocolError, ResourceError, UnreachableError } from '../../errors.js';
import { limits } from '../../limits.js';
import { silentLogger } from '../../logging/index.js';
import { type Entropy, type Scheduler, systemEntropy, type Timer } from '../../scheduler/index.js';
import type { v1 } from '../../protocol/on-demand/index.js';
import {
  type AuthenticatedClient,
  type ConnectionSocket,
  type PeerConnection,
  type DialOptions,
  ConnectionManager,
  type ConnectionManagerOptions,
  type Hello,
  parseAddress,
  socketProtocol,
  LivenessMonitor,
} from '../handshake/index.js';
import { BufferPool } from '../buffer-pool.js';
import { LiveLinks } from '../live-links.js';
import type { Link, Transport } from '../transport.js';
import { Fabric } from './abi.js';
import { Engine } from './engine.js';
import { type LinkOwner, UcxLink } from './link.js';
import { type Offer, offerFrom } from './offer.js';
import { UcxLibrary } from './ucx-library.js';

export interface UcxTransportOptions extends ConnectionManagerOptions {
  /**
   * The fabric of links that this process opens. Default `shared-memory`: both ends on one host. Links that peers open use the fabric
   * that the peer chose; TCP requires `interfaces`.
   */
  readonly fabric?: 'shared-memory' | 'tcp';
  /** Network interfaces for UCX over TCP. Every user of them must be trusted: UCX does not authenticate its traffic. Example: `lo`. */
  readonly interfaces?: readonly string[];
  /** A peer that is silent for this long, in ms, is unresponsive. Default `limits.linkDeadMs`. */
  readonly linkDeadMs?: number;
  /** The UCX library, shared by all transports of one thread. Default: a new one. */
  readonly library?: UcxLibrary;
}

/** Current counts of a transport. After `close`, all but `rejected` are 0. */
export interface UcxStatistics {
  readonly links: number;
  readonly handshakes: number;
  readonly dials: number;
  readonly rejected: number;
  /** Links whose peers are unresponsive. */
  readonly unresponsive: number;
}

/** Prefix of the addresses of this transport. */
const PREFIX = 'ucx+';

/** Links over UCX: shared memory on one host, TCP on trusted interfaces. The first link loads UCX. */
export class UcxTransport implements Transport {
  readonly name = 'ucx';
  readonly #connections: ConnectionManager;
  readonly #scheduler: Scheduler;
  readonly #entropy: Entropy;
  readonly #interfaces: readonly string[];
  /** The fabric of links that this process opens. */
  readonly #fabric: Fabric;
  readonly #library: UcxLibrary;
  readonly #liveness: LivenessMonitor;
  readonly #links = new LiveLinks<UcxLink>();
  /** Links whose handshake is in progress, by the hello of the client. */
  readonly #unaccepted = new Map<v1.PeerHello, { readonly link: UcxLink; readonly deadline: Timer }>();
  readonly #owner: LinkOwner;
  readonly #ungranted = new Set<UcxLink>();
  #engine: Engine | undefined;
  #linksMade = 0;

  constructor(options: UcxTransportOptions) {
    const { scheduler, log = silentLogger, entropy = systemEntropy, listen } = options;
    if (scheduler.isVirtual) throw new ConfigError('The ucx transport needs real time: use the memory transport.');
    this.#connections = new ConnectionManager('ucx', socketProtocol, {
      ...options,
      ...(listen && { listen: withoutPrefix(listen) }),
    });
    this.#scheduler = scheduler;
    this.#entropy = entropy;
    this.#interfaces = options.interfaces ?? [];
    this.#fabric = options.fabric === 'tcp' ? Fabric.tcp : Fabric.sharedMemory;
    this.#liveness = new LivenessMonitor(scheduler, log, options.linkDeadMs ?? limits.linkDeadMs);
    this.#library = options.library ?? new UcxLibrary({ log });
    this.#owner = {
      scheduler,
      pool: new BufferPool(),
      liveness: this.#liveness,
      wake: () => this.#engine?.progress.wake(),
      shouldGrant: (link) => {
        this.#ungranted.add(link);
        this.#engine?.progress.wake();
      },
      gone: (link) => this.#gone(link),
    };
  }

  get statistics(): UcxStatistics {
    return {
      links: this.#links.size,
      handshakes: this.#connections.handshakes,
      dials: this.#connections.dials,
      rejected: this.#connections.rejected,
      unresponsive: this.#liveness.unresponsive,
    };
  }

  async listen(onLink: (link: Link) => void): Promise<string> {
    await this.#connections.listen(
      (client) => this.#makeHello(client),
      (connection) => this.#accept(connection, onLink),
    );
    return this.#address;
  }

  async connect(address: string, options: DialOptions): Promise<Link> {
    this.#connections.assertOpen();
    const deadlineMs = this.#scheduler.now() + options.timeoutMs;
    const there = address.startsWith(PREFIX) ? parseAddress(withoutPrefix(address)) : undefined;
    if (there === undefined) {
      throw new UnreachableError(`Connecting to ${address} failed: this is not an address of the ucx transport.`);
    }
    // The address of another host, or of a process that has exited: fail before UCX is loaded.
    if (there.scheme === 'unix' && !existsSync(there.path)) {
      throw new UnreachableError(`Connecting to ${address} was refused: nothing listens there.`, { isRefused: true });
    }
    if (options.signal?.aborted === true) {
      throw new UnreachableError(`Connecting to ${address} was aborted.`, { cause: options.signal.reason });
    }
    const engine = this.#startedEngine();
    const own = this.#open(engine, this.#fabric);
    const makeHello = (): Hello => engine.offers.hello(this.#address, own.offer);
    try {
      const connection = await this.#connections.dial(withoutPrefix(address), makeHello, options);
      own.link.attachSocket(connection, address);
      const theirs = offerFrom(connection.peer);
      if (theirs.fabric !== own.offer.fabric) {
        throw new ProtocolError('The two ends of a UCX link have chosen different fabrics.');
      }
      own.link.join(engine.offers.admit(theirs, connection.socket), theirs.token);
      await this.#whenConnected(own.link, address, deadlineMs, options.signal);
      return own.link;
    } catch (error) {
      own.link.abort();
      throw named(error, address);
    }
  }

  flush(): void {
    this.#engine?.progress.flush();
  }

  /** Resolves after `closed` was called on all its links, and all frames have arrived or `limits.linkLingerMs` has passed. */
  async close(): Promise<void> {
    const closed = this.#connections.close();
    for (const { link } of this.#unaccepted.values()) link.abort();
    for (const link of this.#links) link.close();
    await closed;
    await this.#links.allEnded();
    this.#engine?.close();
    // The links call `closed` in the turns before this one.
    await new Promise<void>((resolve) => this.#scheduler.schedule(resolve));
  }

  /** Ends at once, as if the process had exited: peers see their links lost, and no handlers are called here. */
  async abort(): Promise<void> {
    const closed = this.#connections.close();
    for (const link of this.#links) link.abort();
    await closed;
    this.#engine?.close();
  }

  // ---- opening

  get #address(): string {
    return this.#connections.address === '' ? '' : `${PREFIX}${this.#connections.address}`;
  }

  /** Throws ResourceError if UCX, the shim or koffi is missing. The message has the command that installs it. */
  #startedEngine(): Engine {
    this.#connections.assertOpen();
    this.#engine ??= new Engine({
      library: this.#library,
      scheduler: this.#scheduler,
      entropy: this.#entropy,
      interfaces: this.#interfaces,
      grant: (which) => this.#grant(which),
    });
    return this.#engine;
  }

  #open({ offers }: Engine, fabric: Fabric): { readonly link: UcxLink; readonly offer: Offer } {
    const { endpoint, offer } = offers.make(fabric);
    this.#linksMade += 1;
    const link = new UcxLink(this.#linksMade, endpoint, this.#owner);
    this.#links.add(link);
    return { link, offer };
  }

  /** Makes the hello of the listener. A worker is made only for a client whose offer was admitted. */
  #makeHello(client: AuthenticatedClient | undefined): Hello {
    if (client === undefined) throw new ProtocolError('The hello of a ucx listener needs the hello of its client.');
    const theirs = offerFrom(client.hello);
    const { engine, ...own } = this.#openFor(theirs, client.socket);
    const deadline = this.#scheduler.setTimer(limits.connectTimeoutMs, () => own.link.abort());
    this.#unaccepted.set(client.hello, { link: own.link, deadline });
    return engine.offers.hello(this.#address, own.offer);
  }

  #openFor(
    theirs: Offer,
    socket: ConnectionSocket,
  ): { readonly engine: Engine; readonly link: UcxLink; readonly offer: Offer } {
    try {
      const engine = this.#startedEngine();
      const address = engine.offers.admit(theirs, socket);
      return { engine, ...this.#joined(engine, theirs, address) };
    } catch (error) {
      if (!(error instanceof ResourceError)) throw error;
      // Without UCX every later client would fail too: stop listening after this rejection was sent.
      if (this.#engine === undefined) this.#scheduler.schedule(() => void this.#connections.stopListening());
      throw new ProtocolError(error.message, { cause: error });
    }
  }

  #joined(
    engine: Engine,
    { fabric, token }: Offer,
    address: Uint8Array,
  ): { readonly link: UcxLink; readonly offer: Offer } {
    const own = this.#open(engine, fabric);
    try {
      own.link.join(address, token);
      return own;
    } catch (error) {
      own.link.abort();
      throw error;
    }
  }

  #accept(connection: PeerConnection, onLink: (link: Link) => void): void {
    const unaccepted = this.#unaccepted.get(connection.peer);
    if (unaccepted === undefined) return void connection.socket.destroy();
    this.#unaccepted.delete(connection.peer);
    this.#scheduler.clearTimer(unaccepted.deadline);
    const { link } = unaccepted;
    if (!link.isOpen) return void connection.socket.destroy();
    link.attachSocket(connection, connection.peerAddress);
    onLink(link);
  }

  async #whenConnected(
    link: UcxLink,
    address: string,
    deadlineMs: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const aborted = (): void => link.abort('it was aborted');
    const tooLate = (): void => link.abort('the rings of the peer were not connected in time');
    const timer = this.#scheduler.setTimer(Math.max(0, deadlineMs - this.#scheduler.now()), tooLate);
    signal?.addEventListener('abort', aborted);
    try {
      if (signal?.aborted === true) aborted();
      await link.whenConnected();
    } finally {
      this.#scheduler.clearTimer(timer);
      signal?.removeEventListener('abort', aborted);
    }
    this.#connections.assertOpen();
    if (link.isOpen) return;
    const reason = link.endReason?.kind === 'closed' ? 'it was closed' : link.endReason?.message;
    throw new UnreachableError(`Connecting to ${address} failed: ${reason ?? 'the link has ended'}.`, {
      cause: signal?.reason,
    });
  }

  // ---- turns

  /** Submits the grants of links that have read much, or of all. Other grants wait for a frame that takes them along. */
  #grant(which: 'urgent' | 'all'): boolean {
    let hasGranted = false;
    for (const link of this.#ungranted) {
      if (which === 'urgent' && !link.mustGrant) continue;
      this.#ungranted.delete(link);
      if (!link.hasUngranted) continue;
      link.grant();
      hasGranted = true;
    }
    return hasGranted;
  }

  // ---- ending

  #gone(link: UcxLink): void {
    this.#ungranted.delete(link);
    for (const [client, unaccepted] of this.#unaccepted) {
      if (unaccepted.link !== link) continue;
      this.#unaccepted.delete(client);
      this.#scheduler.clearTimer(unaccepted.deadline);
    }
    this.#links.ended(link);
  }
}

function withoutPrefix(address: string): string {
  return address.startsWith(PREFIX) ? address.slice(PREFIX.length) : address;
}

/** Makes the error name the address as the caller gave it. */
function named(error: unknown, address: string): unknown {
  if (!(error instanceof UnreachableError) || error.message.includes(address)) {
    if (!(error instanceof ProtocolError)) return error;
    return new UnreachableError(`Connecting to ${address} failed: ${error.message}`, { cause: error });
  }
  const message = error.message.replace(withoutPrefix(address), address);
  const { cause, isRefused } = error;
  return new UnreachableError(message, { isRefused, ...(cause === undefined ? {} : { cause }) });
}
