import { lookup } from 'node:dns/promises';
import { rmdir } from 'node:fs/promises';
import { isIP } from 'node:net';
import { ConfigError, StoppedError } from '../../errors.js';
import { shownValue } from '../../foreign.js';
import { atExit } from '../../at-exit.js';
import {
  formatAddress,
  type HostAddress,
  isSocketFile,
  isWebSocket,
  parseAddress,
  type UnixAddress,
} from '../../socket-address.js';
import {
  abandonSocket,
  Admission,
  assertAdvertised,
  cannotListen,
  checkSecurity,
  type HandshakeSettings,
  type Listener,
  newInstance,
  type PeerConnection,
  type PrivateSocket,
  privateSocket,
  socketParents,
  sweepStaleFolders,
} from '../handshake/index.js';
import type { ListenOptions } from '../link-options.js';
import { endpointOf, mediumOf, received } from './dialer.js';
import { curveKeys } from './keys.js';
import { headerBytes, MessageKind } from './message.js';
import { NumberedStream } from './numbered-stream.js';
import type { ZeroMqSettings } from './protocol.js';
import type { ZeroMqSocket } from './socket.js';
import { openSocket } from './sockets.js';
import { socketOptions } from './zmq-package.js';

const NO_BYTES = new Uint8Array(0);

/**
 * Accepts connections at a ROUTER socket, which names each by the routing id of its DEALER, and authenticates them. The socket stays open for as
 * long as it has connections: ZeroMQ ends them with it.
 */
export class ZeroMqListener implements Listener {
  readonly #settings: HandshakeSettings;
  readonly #options: ListenOptions;
  readonly #zmq: ZeroMqSettings;
  readonly #admission: Admission;
  readonly #streams = new Map<string, NumberedStream>();
  #own: UnixAddress | HostAddress;
  #socket: ZeroMqSocket | undefined;
  #private: PrivateSocket | undefined;
  #forgetExit = (): void => {};
  #isClosed = false;

  constructor(
    settings: HandshakeSettings,
    options: ListenOptions,
    zmq: ZeroMqSettings,
    accept: (connection: PeerConnection) => void,
  ) {
    this.#settings = settings;
    this.#options = options;
    this.#zmq = zmq;
    this.#own = zmqAddress(options.listen ?? 'zmq+ipc:');
    checkSecurity(this.#own, settings.security);
    assertAdvertised(this.#own, options);
    this.#admission = new Admission(settings, this.#own, accept);
  }

  get rejected(): number {
    return this.#admission.rejected;
  }

  get handshakes(): number {
    return this.#admission.handshakes;
  }

  /** Rejects with ResourceError where the package `zeromq` is missing, ConfigError when it cannot bind the address. */
  async open(): Promise<string> {
    const socket = this.#makeSocket();
    this.#socket = socket;
    await this.#bind(socket);
    if (this.#isClosed) {
      await this.close();
      throw new StoppedError('The transport was closed before it listened.');
    }
    this.#own = { ...this.#own, instance: newInstance(this.#settings.entropy) };
    this.#admission.listensAt(this.#own);
    socket.read();
    return formatAddress(this.#own);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#admission.close();
    await this.#closeIfDone();
  }

  #makeSocket(): ZeroMqSocket {
    const { key } = this.#settings.security;
    const isEncrypted = key !== undefined && !isSocketFile(this.#own);
    const options = {
      ...socketOptions(this.#zmq.linkDeadMs),
      ipv6: !isSocketFile(this.#own) && this.#own.host.includes(':'),
      mandatory: true,
      handover: true,
      ...(isEncrypted && { curveServer: true, curveSecretKey: curveKeys(key).secretKey }),
    };
    const socket = openSocket(
      { type: 'Router', options },
      {
        arrived: (parts) => this.#arrived(socket, parts),
        notSent: (code, id) => this.#notSent(code, id),
        event: (name) => {
          // A connection is gone, and nothing says which one.
          if (name === 'disconnect') for (const stream of this.#streams.values()) stream.probe();
        },
        failed: (error) => this.#settings.log.error('a listener failed', { error: error.message }),
      },
    );
    return socket;
  }

  #notSent(code: unknown, id: Uint8Array): void {
    const stream = this.#streams.get(nameOf(id));
    stream?.dropped();
    if (code === 'EHOSTUNREACH') stream?.absent();
  }

  async #bind(socket: ZeroMqSocket): Promise<void> {
    const own = this.#own;
    if (!isSocketFile(own)) return this.#bindPort(socket, own);
    const { socketFolder } = this.#options;
    const parents = socketFolder === undefined ? socketParents() : [socketFolder];
    const made = await privateSocket(
      parents,
      async (path) => void (await socket.bind(`ipc://${path}`)),
      (folder, reason) => this.#settings.log.info('no socket can be made in a folder', { folder, reason }),
    );
    this.#private = made;
    this.#own = { ...own, path: made.path };
    this.#forgetExit = atExit(() => abandonSocket(made.path));
    sweepStaleFolders(made.parent, made.folder).catch((error: unknown) =>
      this.#settings.log.debug('could not remove stale socket folders', { error }),
    );
  }

  async #bindPort(socket: ZeroMqSocket, own: HostAddress): Promise<void> {
    // ZeroMQ binds addresses and interfaces, and no names.
    const host = isIP(own.host) === 0 ? (await lookup(own.host).catch(cannotListen(own))).address : own.host;
    const bound = await socket.bind(endpointOf({ ...own, host }).replace(/:0$/, ':*')).catch(cannotListen(own));
    const port = Number(/\d+$/.exec(bound)?.[0] ?? own.port);
    this.#own = { ...own, port, host: this.#options.advertisedHost ?? own.host };
  }

  #arrived(socket: ZeroMqSocket, [id = NO_BYTES, header = NO_BYTES, payload = NO_BYTES]: readonly Uint8Array[]): void {
    const name = nameOf(id);
    const stream = this.#streams.get(name) ?? this.#opened(socket, id, name, header);
    if (stream !== undefined) received(stream, [header, payload]);
  }

  /** The first message of a connection has number 0. Whoever sends another one speaks to a process that has exited. */
  #opened(socket: ZeroMqSocket, id: Uint8Array, name: string, header: Uint8Array): NumberedStream | undefined {
    const { totals, scheduler } = this.#zmq;
    const isFirst = header[0] === MessageKind.data && header.subarray(4, 8).every((byte) => byte === 0);
    if (this.#isClosed || !isFirst) {
      if (header[0] !== MessageKind.reset) socket.send([id, RESET]);
      return undefined;
    }
    const stream: NumberedStream = new NumberedStream({
      scheduler,
      totals,
      medium: mediumOf(this.#own),
      send: (first, second) => socket.send(second === undefined ? [id, first] : [id, first, second]),
    });
    this.#streams.set(name, stream);
    stream.on('error', () => {}).on('close', () => this.#ended(name));
    void this.#admission.handshake(this.#admission.began(stream), { stream, socket: stream });
    return stream;
  }

  #ended(name: string): void {
    this.#streams.delete(name);
    void this.#closeIfDone();
  }

  async #closeIfDone(): Promise<void> {
    if (!this.#isClosed || this.#streams.size > 0) return;
    this.#socket?.close();
    this.#forgetExit();
    const made = this.#private;
    this.#private = undefined;
    if (made === undefined) return;
    abandonSocket(made.path);
    await rmdir(made.folder).catch(() => {});
  }
}

const RESET = headerBytes({ kind: MessageKind.reset, sequence: 0, received: 0 });

function nameOf(id: Uint8Array): string {
  return Buffer.from(id).toString('latin1');
}

function zmqAddress(text: string): UnixAddress | HostAddress {
  const address = parseAddress(text);
  const isFree = address !== undefined && (!isSocketFile(address) || address.path === '');
  if (isFree && !isWebSocket(address) && address.scheme.startsWith('zmq+')) return { ...address, instance: '' };
  throw new ConfigError(`Cannot listen at ${shownValue(text)}. It accepts zmq+ipc: and zmq+tcp://host:port.`);
}
