import { rmdir } from 'node:fs/promises';
import type { AddressInfo, Server, Socket } from 'node:net';
import { Deferred } from '../../deferred.js';
import { ConfigError, ProtocolError, StoppedError } from '../../errors.js';
import { messageOf } from '../../foreign.js';
import { limits } from '../../limits.js';
import { atExit } from '../../scheduler/index.js';
import type { ListenOptions } from '../link-options.js';
import { type SocketAddress, formatAddress, isWildcard, listenAddress } from '../../socket-address.js';
import { type PeerConnection, type HandshakeSettings, withoutUncaughtErrors } from './peer-connection.js';
import { isAnswered, respond } from './handshake.js';
import { openFilesLimit } from './open-files.js';
import { PendingHandshakes } from './pending-handshakes.js';
import { RejectedPeers } from './rejected-peers.js';
import { checkSecurity } from './security.js';
import { bindingOf, isLocalSocket, serverFor } from './sockets.js';
import {
  abandonSocket,
  clearStaleSocket,
  makePrivate,
  privateSocket,
  type PrivateSocket,
  type PublishedSocket,
  publishSocket,
  socketParents,
  sweepStaleFolders,
  withdrawSocket,
} from './socket-file.js';

/** Accepts connections and authenticates them. It rejects and counts all others, and logs some of them. */
export class ConnectionListener {
  readonly #settings: HandshakeSettings;
  readonly #options: ListenOptions;
  readonly #accept: (connection: PeerConnection) => void;
  readonly #rejectedPeers: RejectedPeers;
  readonly #handshakes: PendingHandshakes;
  #server: Server | undefined;
  #own: SocketAddress;
  #private: PrivateSocket | undefined;
  #published: PublishedSocket | undefined;
  #forgetExit = (): void => {};
  #isClosed = false;
  /** Settled when its address is known, which a handshake needs. */
  readonly #opened = new Deferred<void>();
  /** Connections that were accepted and are open. */
  #accepted = 0;
  readonly #mostAccepted = Math.min(limits.acceptedLinks, Math.floor(openFilesLimit() / 2));

  /** Throws ConfigError for an invalid address, or for one that would accept unauthenticated connections. */
  constructor(settings: HandshakeSettings, options: ListenOptions, accept: (connection: PeerConnection) => void) {
    this.#settings = settings;
    this.#options = options;
    this.#accept = accept;
    this.#rejectedPeers = new RejectedPeers(settings.scheduler, settings.log);
    const { scheduler, entropy } = settings;
    const rejected = (socket: Socket, why: string): void => this.#rejected(socket, why);
    this.#handshakes = new PendingHandshakes({ scheduler, entropy, rejected });
    this.#own = { ...listenAddress(options.listen ?? 'unix:'), instance: '' };
    checkSecurity(this.#own, settings.security);
    if (isWildcard(this.#own) && options.advertisedHost === undefined) {
      throw new ConfigError(
        `${formatAddress(this.#own)} means every interface: set advertisedHost to the host name that others dial.`,
      );
    }
  }

  get rejected(): number {
    return this.#rejectedPeers.count;
  }

  /** Connections whose handshake is in progress. */
  get handshakes(): number {
    return this.#handshakes.size;
  }

  /** Resolves to the address that others dial. Rejects with ConfigError when it cannot bind the address. */
  async open(): Promise<string> {
    const server = serverFor(this.#own, this.#settings.security);
    // Before it listens: a peer may connect before all of this is done, and waits for it then.
    if (this.#own.scheme === 'tls') this.#acceptSecure(server);
    else server.on('connection', (socket: Socket) => void this.#handshake(this.#handshakes.began(socket), socket));
    await this.#listen(server);
    this.#server = server;
    if (this.#isClosed) {
      await this.close();
      throw new StoppedError('The transport was closed before it listened.');
    }
    server.on('error', (error) => this.#settings.log.error('a listener failed', { error: error.message }));
    if (this.#own.scheme === 'unix') await this.#securePath(this.#own.path);
    const address = this.#address(server.address());
    this.#opened.resolve();
    return address;
  }

  /** Accepts no more connections. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#opened.resolve();
    this.#handshakes.close();
    const server = this.#server;
    this.#server = undefined;
    // No callback: it would wait until all accepted sockets are closed.
    server?.close();
    this.#forgetExit();
    if (this.#published !== undefined) await withdrawSocket(this.#published);
    this.#published = undefined;
    const folder = this.#private?.folder;
    this.#private = undefined;
    if (folder !== undefined) await rmdir(folder).catch(() => {});
  }

  async #listen(server: Server): Promise<void> {
    const own = this.#own;
    if (own.scheme !== 'unix') return listening(server, { host: own.host, port: own.port }).catch(cannotListen(own));
    if (own.path !== '') {
      await clearStaleSocket(own.path);
      this.#published = await publishSocket(own.path, (path) => listening(server, { path }));
      return;
    }
    const { socketFolder } = this.#options;
    const parents = socketFolder === undefined ? socketParents() : [socketFolder];
    this.#private = await privateSocket(
      parents,
      (path) => listening(server, { path }),
      (folder, reason) => this.#settings.log.info('no socket can be made in a folder', { folder, reason }),
    );
    this.#own = listenAddress(`unix:${this.#private.path}`);
  }

  async #securePath(path: string): Promise<void> {
    this.#forgetExit = atExit(() => abandonSocket(path));
    if (this.#private === undefined) return;
    await makePrivate(path);
    const { parent, folder } = this.#private;
    sweepStaleFolders(parent, folder).catch((error: unknown) =>
      this.#settings.log.debug('could not remove stale socket folders', { error }),
    );
  }

  #address(bound: AddressInfo | string | null): string {
    const instance = Buffer.from(this.#settings.entropy(8)).toString('hex');
    this.#own = { ...this.#own, instance };
    if (this.#own.scheme !== 'unix' && bound !== null && typeof bound !== 'string') {
      this.#own = { ...this.#own, port: bound.port, host: this.#options.advertisedHost ?? this.#own.host };
    }
    return formatAddress(this.#own);
  }

  /** The TLS handshake comes first. Until it is over, the raw socket stands for the connection in the count. */
  #acceptSecure(server: Server): void {
    server.on('connection', (raw: Socket) => this.#handshakes.began(withoutUncaughtErrors(raw)));
    server.on('secureConnection', (socket: Socket) => void this.#handshake(this.#handshakes.find(socket), socket));
    server.on('tlsClientError', (error: Error, socket: Socket) => {
      const raw = this.#handshakes.find(socket);
      if (raw !== undefined) this.#handshakes.reject(raw, `TLS failed: ${error.message}`);
    });
  }

  /** `raw` is the socket that `PendingHandshakes` knows. */
  async #handshake(raw: Socket | undefined, socket: Socket): Promise<void> {
    withoutUncaughtErrors(socket);
    if (!this.#opened.isSettled) await this.#opened.promise;
    if (raw === undefined || this.#isClosed) return void socket.destroy();
    const { security, entropy, makeHello } = this.#settings;
    try {
      const isLocal = isLocalSocket(socket);
      const from = nameOf(this.#own, socket);
      const { peer, unread } = await respond({
        socket,
        key: security.key,
        entropy,
        binding: bindingOf(socket),
        own: this.#own,
        opened: (nonce) => {
          this.#assertRoom();
          return this.#handshakes.opened(raw, nonce);
        },
        makeHello: (hello) => makeHello({ hello, socket }),
      });
      if (!this.#handshakes.ended(raw)) return;
      this.#accepted += 1;
      socket.once('close', () => {
        this.#accepted -= 1;
      });
      this.#accept({ socket, peer, unread, isLocal, peerAddress: peer.address === '' ? from : peer.address });
    } catch (error) {
      if (!this.#handshakes.ended(raw)) return;
      this.#rejected(socket, messageOf(error));
      if (isAnswered(error)) socket.destroySoon();
      else socket.destroy();
    }
  }

  /** Throws ProtocolError, which is sent to the peer, when as many connections as may be were accepted and are open. */
  #assertRoom(): void {
    if (this.#accepted < this.#mostAccepted) return;
    throw new ProtocolError(
      `This process has ${this.#accepted} open links from peers, as many as it may (limit acceptedLinks, or half of its open files).`,
    );
  }

  #rejected(socket: Socket, why: string): void {
    this.#rejectedPeers.add(nameOf(this.#own, socket), why);
  }
}

function nameOf({ scheme }: SocketAddress, { remoteAddress, remotePort }: Socket): string {
  if (remoteAddress === undefined || remotePort === undefined) return `${scheme}:`;
  return formatAddress({ scheme: 'tcp', host: remoteAddress, port: remotePort, instance: '' });
}

function listening(server: Server, place: object): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject).listen(place, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function cannotListen(own: SocketAddress): (cause: Error) => never {
  return (cause) => {
    throw new ConfigError(`Cannot listen at ${formatAddress(own)}: ${cause.message}. Choose another address.`, {
      cause,
    });
  };
}
