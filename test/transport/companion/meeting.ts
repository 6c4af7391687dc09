import { connect, type Socket } from 'node:net';
import { expect } from 'chai';
import { type LogRecord, memoryLogger } from '#src/logging/index.js';
import { encode, v1 } from '#src/protocol/index.js';
import { RealScheduler, systemEntropy, type Timer } from '#src/scheduler/index.js';
import type { LinkSecurity, ListenOptions } from '#src/transport/index.js';
import {
  type Companion,
  type CompanionSettings,
  type Introduction,
  parseAddress,
} from '#src/transport/companion/index.js';
import { Dial } from '#src/transport/companion/dial.js';
import { CompanionListener } from '#src/transport/companion/listener.js';
import { until } from '../../scheduler/until.js';

export const KEY = 'a key of more than 16 bytes';

/** Real time, in which timers come fifty times as soon. */
export class HastyScheduler extends RealScheduler {
  override setTimer(delayMs: number, callback: () => void): Timer {
    return super.setTimer(delayMs / 50, callback);
  }
}

/** A listener, those who dial it, and what came of it. */
export class Meeting {
  readonly scheduler: RealScheduler;
  readonly accepted: Companion[] = [];
  readonly heard: v1.Introduction[] = [];
  readonly log: LogRecord[];
  readonly listener: CompanionListener;
  readonly #settings: CompanionSettings;
  readonly #sockets: Socket[] = [];
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
      introduce: (client) => {
        if (client !== undefined) this.heard.push(client);
        return introduction('server');
      },
    };
    this.listener = new CompanionListener(this.#settings, options, (companion) => {
      this.accepted.push(companion);
      this.#sockets.push(companion.socket);
    });
  }

  async open(): Promise<this> {
    this.address = await this.listener.open();
    return this;
  }

  async dial(security: LinkSecurity = this.#settings.security, address = this.address): Promise<Companion> {
    const settings = { ...this.#settings, security, introduce: () => introduction('client') };
    const companion = await new Dial(address, settings, { timeoutMs: 5_000 }).companion();
    this.#sockets.push(companion.socket);
    return companion;
  }

  /** A stranger's connection. */
  async raw(): Promise<Stranger> {
    const address = parseAddress(this.address);
    if (address === undefined) throw new Error(this.address);
    const socket = address.scheme === 'unix' ? connect(address.path) : connect(address.port, address.host);
    this.#sockets.push(socket);
    const stranger = new Stranger(socket);
    await until('a connection', () => socket.readyState === 'open');
    return stranger;
  }

  /** Ends everything, and holds that nothing is left. */
  async end(): Promise<void> {
    await this.listener.close();
    for (const socket of this.#sockets) socket.destroy();
    await until('all to be closed', () => this.#sockets.every((socket) => socket.closed));
    await until('timers to be over', () => this.scheduler.pendingTimers === 0);
    expect(this.listener.hellos).to.equal(0);
  }
}

/** Bytes to and from a socket. */
export class Stranger {
  readonly socket: Socket;
  received: Uint8Array = new Uint8Array(0);

  constructor(socket: Socket) {
    this.socket = socket;
    socket
      .on('error', () => {})
      .on('data', (bytes: Uint8Array) => {
        this.received = Buffer.concat([this.received, bytes]);
      });
  }

  async isTurnedAway(): Promise<void> {
    await until('the connection to be closed', () => this.socket.closed);
  }
}

export function record(message: NonNullable<v1.HandshakeInit['message']>): Uint8Array {
  const body = encode(v1.Handshake, v1.Handshake.create({ message }));
  return Uint8Array.from([0x6d, 0x72, body.length & 0xff, body.length >> 8, ...body]);
}

export function introduction(from: string): Introduction {
  const data = new TextEncoder().encode(`of the ${from}`);
  return { address: `unix:/${from}`, capabilities: [{ name: 'rings', version: 3, data }] };
}
