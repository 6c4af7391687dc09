import { rmdir } from 'node:fs/promises';
import type { AddressInfo, Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { ConfigError, ProtocolError, StoppedError } from '../../errors.js';
import type { ListenOptions } from '../link-options.js';
import { type CompanionAddress, formatAddress, isWildcard, listenAddress } from './address.js';
import { type Companion, type CompanionSettings, withoutUncaughtErrors } from './companion.js';
import { answer } from './handshake.js';
import { OpenHellos } from './open-hellos.js';
import { Refusals } from './refusals.js';
import { checkSecurity } from './security.js';
import { bindingOf, isLocalSocket, serverFor } from './sockets.js';
import { clearStaleSocket, makePrivate, privateSocketPath, sweepStaleFolders } from './socket-file.js';

/** Lets other processes in, once both ends know one another. Strangers are turned away, counted, and logged now and then. */
export class CompanionListener {
  readonly #settings: CompanionSettings;
  readonly #options: ListenOptions;
  readonly #accept: (companion: Companion) => void;
  readonly #refusals: Refusals;
  readonly #hellos: OpenHellos;
  #server: Server | undefined;
  #own: CompanionAddress;
  #folder: string | undefined;
  #isClosed = false;

  /** ConfigError for an address that is none, or that would be open to strangers. */
  constructor(settings: CompanionSettings, options: ListenOptions, accept: (companion: Companion) => void) {
    this.#settings = settings;
    this.#options = options;
    this.#accept = accept;
    this.#refusals = new Refusals(settings.scheduler, settings.log);
    this.#hellos = new OpenHellos(settings.scheduler, (socket, why) => this.#refused(socket, why));
    this.#own = { ...listenAddress(options.listen ?? 'unix:'), instance: '' };
    checkSecurity(this.#own, settings.security);
    if (isWildcard(this.#own) && options.advertisedHost === undefined) {
      throw new ConfigError(
        `${formatAddress(this.#own)} is every interface: set advertisedHost to the name others use.`,
      );
    }
  }

  get refused(): number {
    return this.#refusals.count;
  }

  /** Connections whose hello is not over. */
  get hellos(): number {
    return this.#hellos.size;
  }

  /** Resolves to the address for others. ConfigError when it cannot be had. */
  async open(): Promise<string> {
    const place = await this.#place();
    const server = serverFor(this.#own, this.#settings.security);
    await listening(server, place, this.#own);
    this.#server = server;
    if (this.#isClosed) {
      await this.close();
      throw new StoppedError('The transport was closed before it listened.');
    }
    server.on('error', (error) => this.#settings.log.error('a listener failed', { error: error.message }));
    if (this.#own.scheme === 'tls') this.#acceptSecure(server);
    else server.on('connection', (socket: Socket) => void this.#greet(this.#hellos.began(socket), socket));
    if (this.#own.scheme === 'unix') await this.#tidy(this.#own.path);
    return this.#address(server.address());
  }

  /** Nobody is let in any more. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#hellos.close();
    const server = this.#server;
    this.#server = undefined;
    // Its callback would wait for the links.
    server?.close();
    const folder = this.#folder;
    this.#folder = undefined;
    if (folder !== undefined) await rmdir(folder).catch(() => {});
  }

  /** What Node is told to listen on. */
  async #place(): Promise<{ readonly path: string } | { readonly host: string; readonly port: number }> {
    const own = this.#own;
    if (own.scheme !== 'unix') return { host: own.host, port: own.port };
    if (own.path !== '') {
      await clearStaleSocket(own.path);
      return { path: own.path };
    }
    const { folder, path } = await privateSocketPath(this.#options.socketFolder ?? tmpdir());
    this.#folder = folder;
    this.#own = listenAddress(`unix:${path}`);
    return { path };
  }

  async #tidy(path: string): Promise<void> {
    await makePrivate(path);
    if (this.#folder === undefined) return;
    const parent = this.#options.socketFolder ?? tmpdir();
    sweepStaleFolders(parent, this.#folder).catch((error: unknown) =>
      this.#settings.log.debug('stale socket folders were not swept', { error }),
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

  /** TLS first: its raw socket is what a hello is counted by until then. */
  #acceptSecure(server: Server): void {
    server.on('connection', (raw: Socket) => this.#hellos.began(withoutUncaughtErrors(raw)));
    server.on('secureConnection', (socket: Socket) => void this.#greet(this.#hellos.find(socket), socket));
    server.on('tlsClientError', (error: Error, socket: Socket) => {
      const raw = this.#hellos.find(socket);
      if (raw !== undefined) this.#hellos.turnAway(raw, `TLS failed: ${error.message}`);
    });
  }

  /** `raw` is what stands for the hello. */
  async #greet(raw: Socket | undefined, socket: Socket): Promise<void> {
    withoutUncaughtErrors(socket);
    if (raw === undefined || this.#isClosed) return void socket.destroy();
    const { security, entropy, introduce } = this.#settings;
    try {
      const isLocal = isLocalSocket(socket);
      const from = nameOf(this.#own, socket);
      const options = { socket, key: security.key, entropy, binding: bindingOf(socket), own: this.#own, introduce };
      const { peer, unread } = await answer(options);
      if (!this.#hellos.ended(raw)) return;
      this.#accept({ socket, peer, unread, isLocal, peerAddress: peer.address === '' ? from : peer.address });
    } catch (error) {
      if (!this.#hellos.ended(raw)) return;
      this.#refused(socket, error instanceof Error ? error.message : String(error));
      if (error instanceof ProtocolError) socket.destroySoon();
      else socket.destroy();
    }
  }

  #refused(socket: Socket, why: string): void {
    this.#refusals.add(nameOf(this.#own, socket), why);
  }
}

function nameOf({ scheme }: CompanionAddress, { remoteAddress, remotePort }: Socket): string {
  if (remoteAddress === undefined || remotePort === undefined) return `${scheme}:`;
  return formatAddress({ scheme: 'tcp', host: remoteAddress, port: remotePort, instance: '' });
}

function listening(server: Server, place: object, own: CompanionAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (cause: Error): void =>
      reject(new ConfigError(`Cannot listen at ${formatAddress(own)}: ${cause.message}. Choose another.`, { cause }));
    server.once('error', failed).listen(place, () => {
      server.off('error', failed);
      resolve();
    });
  });
}
