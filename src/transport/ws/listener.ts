import { createServer, IncomingMessage, type Server as HttpServer, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { Socket } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import type { WebSocketServer } from 'ws';
import { ConfigError, StoppedError } from '../../errors.js';
import { shownValue } from '../../foreign.js';
import { formatAddress, isDialable, isWebSocket, parseAddress, type WebSocketAddress } from '../../socket-address.js';
import {
  Admission,
  assertAdvertised,
  cannotListen,
  checkSecurity,
  type HandshakeSettings,
  type Listener,
  listening,
  newInstance,
  type PeerConnection,
  followTls,
  tlsServerOptions,
} from '../handshake/index.js';
import type { ListenOptions } from '../link-options.js';
import { WebSocketStream } from './web-socket-stream.js';
import type { UpgradeListener, UpgradeServer } from './kind.js';
import { SharedServer } from './shared-server.js';
import { loadWs, SOCKET_OPTIONS, SUBPROTOCOL } from './ws-package.js';

const NOT_FOUND = { status: '404 Not Found', why: 'it asked for another path' };

/** Where a listener is, and which pages it lets in. */
export interface WebSocketPlace {
  /** The HTTP server beside whose routes it listens. Undefined: it has a port of its own. */
  readonly server?: UpgradeServer | undefined;
  /** Origins of the pages whose connections are accepted. */
  readonly origins: readonly string[];
}

/**
 * Accepts WebSockets at one path, on a port of its own or beside the routes of an HTTP server, and authenticates them. The request of a stranger is
 * bounded by the deadline of its handshake; on a server of the user, by the timeouts of that server.
 */
export class WebSocketListener implements Listener {
  readonly #settings: HandshakeSettings;
  readonly #options: ListenOptions;
  readonly #place: WebSocketPlace;
  readonly #admission: Admission;
  #own: WebSocketAddress;
  #upgrades: WebSocketServer | undefined;
  #server: HttpServer | undefined;
  #shared: SharedServer | undefined;
  #isClosed = false;
  readonly #upgrade: UpgradeListener = (request, socket, head) => {
    if (!(request instanceof IncomingMessage && socket instanceof Socket && Buffer.isBuffer(head))) return;
    this.#upgraded(request, socket, head);
  };

  constructor(
    settings: HandshakeSettings,
    options: ListenOptions,
    place: WebSocketPlace,
    accept: (connection: PeerConnection) => void,
  ) {
    this.#settings = settings;
    this.#options = options;
    this.#place = place;
    this.#own = webSocketAddress(options.listen ?? '');
    // The certificate is that of the server.
    checkSecurity(place.server === undefined ? this.#own : { ...this.#own, scheme: 'ws' }, settings.security);
    assertAdvertised(this.#own, options);
    if (place.server !== undefined) assertServer(this.#own, place.server);
    this.#admission = new Admission(settings, this.#own, accept);
  }

  get rejected(): number {
    return this.#admission.rejected;
  }

  get handshakes(): number {
    return this.#admission.handshakes;
  }

  /** Rejects with ResourceError where the package `ws` is missing, ConfigError when it cannot bind the address. */
  async open(): Promise<string> {
    const { WebSocketServer } = await loadWs();
    if (this.#isClosed) throw new StoppedError('The transport was closed before it listened.');
    this.#upgrades = new WebSocketServer({
      ...SOCKET_OPTIONS,
      noServer: true,
      clientTracking: false,
      handleProtocols: () => SUBPROTOCOL,
    });
    this.#own = { ...this.#own, instance: newInstance(this.#settings.entropy) };
    if (this.#place.server === undefined) await this.#bind(this.#makeServer());
    const { server } = this.#place;
    if (server !== undefined) {
      this.#shared = new SharedServer(server, this.#own.path, this.#upgrade, this.#settings.scheduler);
    }
    this.#admission.listensAt(this.#own);
    return formatAddress(this.#own);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#admission.close();
    this.#shared?.close();
    this.#server?.close();
    this.#server = undefined;
  }

  /** A server that answers every other request with 426 Upgrade Required. */
  #makeServer(): HttpServer {
    const isSecure = this.#own.scheme === 'wss';
    const answer = (_request: IncomingMessage, response: ServerResponse): void => {
      response.writeHead(426, { connection: 'close', upgrade: 'websocket' }).end();
    };
    const server: HttpServer = isSecure
      ? createSecureServer(tlsServerOptions(this.#settings.security.tls), answer)
      : createServer(answer);
    if (server instanceof TlsServer) followTls(server, this.#settings.security);
    server.on('upgrade', this.#upgrade);
    server.on('connection', (socket: Socket) => void this.#admission.began(socket));
    return server.on('tlsClientError', (error: Error, socket: Socket) => {
      const raw = this.#admission.find(socket);
      if (raw !== undefined) this.#admission.reject(raw, `TLS failed: ${error.message}`);
    });
  }

  async #bind(server: HttpServer): Promise<void> {
    const { host, port } = this.#own;
    this.#server = server;
    await listening(server, { host, port }).catch(cannotListen(this.#own));
    if (this.#isClosed) throw new StoppedError('The transport was closed before it listened.');
    server.on('error', (error) => this.#settings.log.error('a listener failed', { error: error.message }));
    const bound = server.address();
    if (bound === null || typeof bound === 'string') return;
    this.#own = { ...this.#own, port: bound.port, host: this.#options.advertisedHost ?? host };
  }

  #upgraded(request: IncomingMessage, socket: Socket, head: Buffer): void {
    const path = pathOf(request);
    if (path === this.#own.path) return this.#answer(request, socket, head);
    const refuse = (): void => this.#answer(request, socket, head, NOT_FOUND);
    if (this.#shared === undefined) refuse();
    else this.#shared.unknown(socket, path, refuse);
  }

  #answer(request: IncomingMessage, socket: Socket, head: Buffer, refusal = this.#whyRefused(request)): void {
    const raw = this.#place.server === undefined ? this.#admission.find(socket) : this.#admission.began(socket);
    if (raw === undefined) return void socket.destroy();
    if (refusal !== undefined) {
      const answer = `HTTP/1.1 ${refusal.status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`;
      return this.#admission.rejectWith(raw, refusal.why, socket, answer);
    }
    this.#upgrades?.handleUpgrade(request, socket, head, (webSocket) => {
      const stream = new WebSocketStream(webSocket);
      stream.carriedBy(socket);
      stream.on('error', () => {});
      void this.#admission.handshake(raw, { stream, socket });
    });
  }

  /** Browsers name the origin of the page; a page of another site must not reach a process through the browser of its user. */
  #whyRefused({ headers }: IncomingMessage): { readonly status: string; readonly why: string } | undefined {
    const { origin } = headers;
    if (origin !== undefined && !this.#place.origins.includes(origin)) {
      return { status: '403 Forbidden', why: `its origin is ${origin.slice(0, 100)}, which wsOrigins does not have` };
    }
    const offered = headers['sec-websocket-protocol']?.split(',').map((name) => name.trim()) ?? [];
    if (!offered.includes(SUBPROTOCOL)) {
      return { status: '400 Bad Request', why: `it does not offer the subprotocol ${SUBPROTOCOL}` };
    }
    return undefined;
  }
}

function webSocketAddress(text: string): WebSocketAddress {
  const address = parseAddress(text);
  if (address !== undefined && isWebSocket(address)) return { ...address, instance: '' };
  throw new ConfigError(
    `Cannot listen at ${shownValue(text)}. It accepts ws://host:port/path and wss://host:port/path.`,
  );
}

function assertServer(own: WebSocketAddress, server: UpgradeServer): void {
  const isSecure = server instanceof TlsServer;
  if (isSecure !== (own.scheme === 'wss')) {
    const [kind, scheme] = isSecure ? ['HTTPS', 'wss'] : ['HTTP', 'ws'];
    throw new ConfigError(
      `${formatAddress(own)} is beside an ${kind} server: its address must begin with ${scheme}://.`,
    );
  }
  if (!isDialable(own)) {
    throw new ConfigError(`${formatAddress(own)} is beside a server: give the port at which others reach that server.`);
  }
}

function pathOf({ url = '/' }: IncomingMessage): string {
  return url.split('?', 1)[0] ?? '/';
}
