import { createServer, IncomingMessage, type Server as HttpServer } from 'node:http';
import { Socket } from 'node:net';
import { ConfigError, StoppedError } from '../../errors.js';
import { errorOf } from '../../foreign.js';
import { limits } from '../../limits.js';
import { CLIENT_SUBPROTOCOL } from '../../protocol/client-wire/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import { listening } from '../../transport/handshake/index.js';
import {
  loadWs,
  SharedServer,
  type UpgradeListener,
  type WebSocket,
  type WebSocketServer,
} from '../../transport/ws/index.js';
import type { GatewaySettings } from './gateway-options.js';
import type { FrameSocket } from './outgoing.js';
import type { Credentials } from './identity.js';

const SERVER_OPTIONS = {
  noServer: true,
  clientTracking: false,
  perMessageDeflate: false,
  closeTimeout: limits.linkLingerMs,
} as const;

/** What a listener tells its gateway. */
export interface ListenerEvents {
  readonly isFull: () => boolean;
  readonly rejected: (from: string, why: string) => void;
  /** It cannot accept a connection now, as there are too many open files. */
  readonly failed: (error: Error) => void;
  /** A WebSocket is open. Returns who hears its frames. `known` ends the bound of what a stranger may send. */
  readonly accept: (socket: FrameSocket, credentials: Omit<Credentials, 'token'>, known: () => void) => FrameReceiver;
}

export interface FrameReceiver {
  received(bytes: Uint8Array): void;
  ponged(): void;
  closed(): void;
  cut(code: 'badFrame', why: string): void;
}

interface Refused {
  readonly status: string;
  /** For the log. */
  readonly why: string;
}

/** Accepts WebSockets of clients at one path, on a port of its own or beside the routes of an HTTP server of the user. */
export class GatewayListener {
  readonly #settings: GatewaySettings;
  readonly #events: ListenerEvents;
  readonly #scheduler: Scheduler;
  #upgrades: WebSocketServer | undefined;
  #own: HttpServer | undefined;
  #shared: SharedServer | undefined;
  #isClosed = false;
  readonly #upgrade: UpgradeListener = (request, socket, head) => {
    if (!(request instanceof IncomingMessage && socket instanceof Socket && Buffer.isBuffer(head))) return;
    this.#upgraded(request, socket, head);
  };

  constructor(settings: GatewaySettings, events: ListenerEvents, scheduler: Scheduler) {
    this.#scheduler = scheduler;
    this.#settings = settings;
    this.#events = events;
  }

  /** Resolves to its address; empty beside a server. Rejects with ResourceError where the package `ws` is missing, ConfigError where it cannot listen. */
  async open(): Promise<string> {
    const { WebSocketServer: Upgrades } = await loadWs();
    if (this.#isClosed) throw new StoppedError('The gateway was closed before it listened.');
    const { server, host, path, limits: bounds } = this.#settings;
    this.#upgrades = new Upgrades({
      ...SERVER_OPTIONS,
      maxPayload: bounds.frameBytes,
      handleProtocols: () => CLIENT_SUBPROTOCOL,
    });
    if (server !== undefined) {
      this.#shared = new SharedServer(server, path, this.#upgrade, this.#scheduler);
      return '';
    }
    const port = await this.#listen();
    return `ws://${host.includes(':') ? `[${host}]` : host}:${port}${path}`;
  }

  close(): void {
    this.#isClosed = true;
    this.#shared?.close();
    this.#own?.close();
    this.#own?.closeAllConnections();
    this.#own = undefined;
  }

  /** A server that answers every other request with 426 Upgrade Required. */
  async #listen(): Promise<number> {
    const { host, port, limits: bounds } = this.#settings;
    const { authenticateMs } = bounds;
    const times = {
      headersTimeout: authenticateMs,
      requestTimeout: authenticateMs,
      connectionsCheckingInterval: Math.min(authenticateMs, 1_000),
    };
    const own = createServer(times, (_request, response) => {
      response.writeHead(426, { connection: 'close', upgrade: 'websocket' }).end();
    });
    own.maxConnections = bounds.connections;
    own.on('upgrade', this.#upgrade);
    this.#own = own;
    try {
      await listening(own, { host, port });
    } catch (cause) {
      this.close();
      throw new ConfigError(`clientGateway cannot listen at ${host}:${port}: ${errorOf(cause).message}.`, { cause });
    }
    // Without a listener an error would end the process.
    own.on('error', this.#events.failed);
    const bound = own.address();
    return bound === null || typeof bound === 'string' ? port : bound.port;
  }

  #upgraded(request: IncomingMessage, socket: Socket, head: Buffer): void {
    const path = pathOf(request);
    if (path !== this.#settings.path) {
      const refuse = (): void => this.#refuse(socket, { status: '404 Not Found', why: 'it asked for another path' });
      return this.#shared === undefined ? refuse() : this.#shared.unknown(socket, path, refuse);
    }
    const refusal = this.#whyRefused(request);
    if (refusal !== undefined) return this.#refuse(socket, refusal);
    this.#upgrades?.handleUpgrade(request, socket, head, (webSocket) => this.#open(webSocket, socket, request));
  }

  #refuse(socket: Socket, { status, why }: Refused): void {
    this.#events.rejected(addressOf(socket), why);
    socket.on('error', () => {});
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy());
  }

  #open(webSocket: WebSocket, socket: Socket, { headers }: IncomingMessage): void {
    const unbound = boundHello(webSocket, socket);
    const credentials = { address: addressOf(socket), origin: headers.origin, headers };
    const receiver = this.#events.accept(new WsFrames(webSocket, socket, this.#scheduler), credentials, unbound);
    webSocket
      .on('message', (data, isBinary) => {
        if (isBinary && data instanceof Uint8Array) receiver.received(data);
        else receiver.cut('badFrame', 'it sent a text message');
      })
      .on('pong', () => receiver.ponged())
      // Such as a message that is too large, or bytes that are no frames of WebSocket: it closes by itself, with a code that says so.
      .on('error', (error) => this.#events.rejected(credentials.address, error.message))
      .on('close', () => receiver.closed());
  }

  /** Browsers name the origin of the page; a page of another site must not reach the gateway through the browser of its user. */
  #whyRefused({ headers }: IncomingMessage): Refused | undefined {
    const { origin } = headers;
    if (origin !== undefined && !this.#settings.origins.includes(origin)) {
      return { status: '403 Forbidden', why: `its origin is ${origin.slice(0, 100)}, which origins does not have` };
    }
    const offered = headers['sec-websocket-protocol']?.split(',').map((name) => name.trim()) ?? [];
    if (!offered.includes(CLIENT_SUBPROTOCOL)) {
      return { status: '400 Bad Request', why: `it does not offer the subprotocol ${CLIENT_SUBPROTOCOL}` };
    }
    if (this.#events.isFull()) return { status: '503 Service Unavailable', why: 'there are too many clients' };
    return undefined;
  }
}

/** A stranger may send a hello, and not a message of the size that clients may send. Returns a function that ends the bound. */
function boundHello(webSocket: WebSocket, socket: Socket): () => void {
  let received = 0;
  const count = ({ length }: Buffer): void => {
    received += length;
    if (received > limits.gatewayHelloBytes) webSocket.terminate();
  };
  socket.on('data', count);
  return () => void socket.off('data', count);
}

class WsFrames implements FrameSocket {
  readonly #webSocket: WebSocket;
  readonly #socket: Socket;
  readonly #scheduler: Scheduler;
  #isCorked = false;

  constructor(webSocket: WebSocket, socket: Socket, scheduler: Scheduler) {
    this.#webSocket = webSocket;
    this.#socket = socket;
    this.#scheduler = scheduler;
  }

  get bufferedBytes(): number {
    return this.#webSocket.bufferedAmount;
  }

  send(frame: Uint8Array, written: () => void): void {
    this.#cork();
    this.#webSocket.send(frame, { binary: true }, written);
  }

  pause(): void {
    this.#webSocket.pause();
  }

  resume(): void {
    this.#webSocket.resume();
  }

  ping(): void {
    this.#webSocket.ping();
  }

  /** Reads on, for the answer; what else comes is dropped. */
  close(code: number, reason: string): void {
    this.#webSocket.resume();
    this.#webSocket.close(code, reason);
  }

  /** The frames of one turn leave in one system call. */
  #cork(): void {
    if (this.#isCorked) return;
    this.#isCorked = true;
    this.#socket.cork();
    this.#scheduler.schedule(() => {
      this.#isCorked = false;
      this.#socket.uncork();
    });
  }
}

function pathOf({ url = '/' }: IncomingMessage): string {
  return url.split('?', 1)[0] ?? '/';
}

function addressOf({ remoteAddress = 'this host' }: Socket): string {
  return remoteAddress;
}
