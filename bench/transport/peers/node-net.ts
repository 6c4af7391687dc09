import { once } from 'node:events';
import { createConnection, createServer, type Socket } from 'node:net';
import { type Peer, textOf } from '../peer.js';
import type { Receive, Wire } from '../wire.js';
import { WireClient } from '../wire-client.js';
import { serveWire } from '../wire-server.js';
import { CoalescingWriter } from './coalescing-writer.js';
import { socketPath } from './socket-path.js';
import { FrameReader } from './frame-reader.js';

const WAITING_BYTES = 256 * 1024;

/** The best hand-written code on a socket: the messages of one turn leave in one write. */
export function nodeNet(kind: 'unix' | 'tcp'): Peer {
  return {
    serve: async () => {
      const server = createServer({ noDelay: true }, (socket) => serveWire(new SocketWire(socket)));
      const path = kind === 'unix' ? socketPath() : undefined;
      server.listen(path === undefined ? { host: '127.0.0.1', port: 0 } : { path });
      await once(server, 'listening');
      const bound = server.address();
      return {
        address: path ?? String(typeof bound === 'object' ? bound?.port : bound),
        close: () => void server.close(),
      };
    },
    connect: async (address) => {
      const where = textOf(address);
      const socket = createConnection(
        kind === 'unix' ? { path: where } : { host: '127.0.0.1', port: Number(where), noDelay: true },
      );
      await once(socket, 'connect');
      return new WireClient(new SocketWire(socket));
    },
  };
}

export class SocketWire implements Wire {
  onMessage: Receive = () => undefined;
  readonly #socket: Socket;
  readonly #writer: CoalescingWriter;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#writer = new CoalescingWriter(socket);
    const reader = new FrameReader((bytes, start, length) => this.onMessage(bytes, start, length));
    socket.on('data', (chunk) => reader.read(chunk));
  }

  room(): Promise<void> | undefined {
    if (this.#socket.writableLength < WAITING_BYTES) return undefined;
    return new Promise((resolve) => this.#socket.once('drain', () => resolve()));
  }

  send(message: Uint8Array): void {
    this.#writer.write(message);
  }

  close(): void {
    this.#socket.destroy();
  }
}
