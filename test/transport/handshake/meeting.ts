import { connect } from 'node:net';
import { expect } from 'chai';
import { type LogRecord, memoryLogger } from '#src/logging/index.js';
import { encode } from '#src/protocol/index.js';
import { v1 } from '#src/protocol/on-demand/index.js';
import { RealScheduler, systemEntropy, type Timer } from '#src/scheduler/index.js';
import {
  type PeerConnection,
  type ConnectionSocket,
  type HandshakeSettings,
  type Hello,
  parseAddress,
} from '#src/transport/handshake/index.js';
import { isSocketFile } from '#src/socket-address.js';
import type { LinkSecurity, ListenOptions } from '#src/transport/index.js';
import { Dial } from '#src/transport/handshake/dial.js';
import { ConnectionListener } from '#src/transport/handshake/listener.js';
import { until } from '../../support/until.js';

export const KEY = 'a key of more than 16 bytes';

/** Real time with timers that are fifty times as fast. */
export class HastyScheduler extends RealScheduler {
  override setTimer(delayMs: number, callback: () => void): Timer {
    return super.setTimer(delayMs / 50, callback);
  }
}

/** Real time with timers that are ten times as slow. */
export class PatientScheduler extends RealScheduler {
  override setTimer(delayMs: number, callback: () => void): Timer {
    return super.setTimer(delayMs * 10, callback);
  }
}

/** A listener, its clients, and the accepted connections. */
export class Meeting {
  readonly scheduler: RealScheduler;
  readonly accepted: PeerConnection[] = [];
  readonly heard: v1.PeerHello[] = [];
  readonly log: LogRecord[];
  readonly listener: ConnectionListener;
  readonly #settings: HandshakeSettings;
  readonly #sockets: ConnectionSocket[] = [];
  address = '';

  constructor(security: LinkSecurity = {}, options: ListenOptions = {}, scheduler = new RealScheduler()) {
    const log = memoryLogger();
    this.log = log.records;
    this.scheduler = scheduler;
    this.#settings = {
      scheduler,
      log,
      entropy: systemEntropy,
      security,
      makeHello: (client) => {
        if (client !== undefined) this.heard.push(client.hello);
        return hello('server');
      },
    };
    this.listener = new ConnectionListener(this.#settings, options, (connection) => {
      this.accepted.push(connection);
      this.#sockets.push(connection.socket);
    });
  }

  async open(): Promise<this> {
    this.address = await this.listener.open();
    return this;
  }

  async dial(security: LinkSecurity = this.#settings.security, address = this.address): Promise<PeerConnection> {
    const settings = { ...this.#settings, security, makeHello: () => hello('client') };
    const connection = await new Dial(address, settings, { timeoutMs: 30_000 }).connect();
    this.#sockets.push(connection.socket);
    return connection;
  }

  /** Connects without a handshake. */
  async raw(): Promise<Stranger> {
    const address = parseAddress(this.address);
    if (address === undefined) throw new Error(this.address);
    const socket = isSocketFile(address) ? connect(address.path) : connect(address.port, address.host);
    this.#sockets.push(socket);
    const stranger = new Stranger(socket);
    await until('a connection', () => socket.readyState === 'open');
    return stranger;
  }

  /** Closes everything, and expects that nothing is left. */
  async end(): Promise<void> {
    await this.listener.close();
    for (const socket of this.#sockets) socket.destroy();
    await until('all to be closed', () => this.#sockets.every((socket) => socket.closed));
    await until('timers to be over', () => this.scheduler.pendingTimers === 0);
    expect(this.listener.handshakes).to.equal(0);
  }
}

/** Bytes to and from a socket. */
export class Stranger {
  readonly socket: ConnectionSocket;
  received: Uint8Array = new Uint8Array(0);

  constructor(socket: ConnectionSocket) {
    this.socket = socket;
    socket
      .on('error', () => {})
      .on('data', (bytes: Uint8Array) => {
        this.received = Buffer.concat([this.received, bytes]);
      });
  }

  async isRejected(): Promise<void> {
    await until('the connection to be closed', () => this.socket.closed);
  }
}

export function record(message: NonNullable<v1.HandshakeInit['message']>): Uint8Array {
  const body = encode(v1.Handshake, v1.Handshake.create({ message }));
  return Uint8Array.from([0x6d, 0x72, body.length & 0xff, body.length >> 8, ...body]);
}

export function hello(from: string): Hello {
  const data = new TextEncoder().encode(`of the ${from}`);
  return { address: `unix:/${from}`, capabilities: [{ name: 'rings', version: 3, data }] };
}
