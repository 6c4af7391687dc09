import { rmdir } from 'node:fs/promises';
import type { AddressInfo, Server, Socket } from 'node:net';
import { Deferred } from '../../deferred.js';
import { StoppedError } from '../../errors.js';
import { atExit } from '../../at-exit.js';
import type { ListenOptions } from '../link-options.js';
import { type SocketAddress, formatAddress, isSocketFile, listenAddress } from '../../socket-address.js';
import { Admission } from './admission.js';
import { type PeerConnection, type HandshakeSettings, withoutUncaughtErrors } from './peer-connection.js';
import { assertAdvertised, cannotListen, listening, newInstance } from './binding.js';
import type { ConnectionSocket } from './connection-socket.js';
import { checkSecurity } from './security.js';
import { serverFor } from './sockets.js';
import type { Listener } from './stream-protocol.js';
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
export class ConnectionListener implements Listener {
  readonly #settings: HandshakeSettings;
  readonly #options: ListenOptions;
  readonly #admission: Admission;
  #server: Server | undefined;
  #own: SocketAddress;
  #private: PrivateSocket | undefined;
  #published: PublishedSocket | undefined;
  #forgetExit = (): void => {};
  #isClosed = false;
  /** Settled when its address is known, which a handshake needs. */
  readonly #opened = new Deferred<void>();

  /** Throws ConfigError for an invalid address, or for one that would accept unauthenticated connections. */
  constructor(settings: HandshakeSettings, options: ListenOptions, accept: (connection: PeerConnection) => void) {
    this.#settings = settings;
    this.#options = options;
    this.#own = { ...listenAddress(options.listen ?? 'unix:'), instance: '' };
    checkSecurity(this.#own, settings.security);
    assertAdvertised(this.#own, options);
    this.#admission = new Admission(settings, this.#own, accept);
  }

  get rejected(): number {
    return this.#admission.rejected;
  }

  /** Connections whose handshake is in progress. */
  get handshakes(): number {
    return this.#admission.handshakes;
  }

  /** Resolves to the address that others dial. Rejects with ConfigError when it cannot bind the address. */
  async open(): Promise<string> {
    const server = serverFor(this.#own, this.#settings.security);
    // Before it listens: a peer may connect before all of this is done, and waits for it then.
    if (this.#own.scheme === 'tls') this.#acceptSecure(server);
    else server.on('connection', (socket: Socket) => void this.#handshake(this.#admission.began(socket), socket));
    await this.#listen(server);
    this.#server = server;
    if (this.#isClosed) {
      await this.close();
      throw new StoppedError('The transport was closed before it listened.');
    }
    server.on('error', (error) => this.#settings.log.error('a listener failed', { error: error.message }));
    if (isSocketFile(this.#own)) await this.#securePath(this.#own.path);
    const address = this.#address(server.address());
    this.#opened.resolve();
    return address;
  }

  /** Accepts no more connections. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#opened.resolve();
    this.#admission.close();
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
    if (!isSocketFile(own)) return listening(server, { host: own.host, port: own.port }).catch(cannotListen(own));
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
    this.#own = { ...this.#own, instance: newInstance(this.#settings.entropy) };
    if (!isSocketFile(this.#own) && bound !== null && typeof bound !== 'string') {
      this.#own = { ...this.#own, port: bound.port, host: this.#options.advertisedHost ?? this.#own.host };
    }
    this.#admission.listensAt(this.#own);
    return formatAddress(this.#own);
  }

  /** The TLS handshake comes first. Until it is over, the raw socket stands for the connection in the count. */
  #acceptSecure(server: Server): void {
    server.on('connection', (raw: Socket) => this.#admission.began(raw));
    server.on('secureConnection', (socket: Socket) => void this.#handshake(this.#admission.find(socket), socket));
    server.on('tlsClientError', (error: Error, socket: Socket) => {
      const raw = this.#admission.find(socket);
      if (raw !== undefined) this.#admission.reject(raw, `TLS failed: ${error.message}`);
    });
  }

  /** `raw` is the socket that `Admission` knows. */
  async #handshake(raw: ConnectionSocket | undefined, socket: Socket): Promise<void> {
    withoutUncaughtErrors(socket);
    if (!this.#opened.isSettled) await this.#opened.promise;
    if (raw === undefined || this.#isClosed) return void socket.destroy();
    await this.#admission.handshake(raw, { stream: socket, socket });
  }
}
