import { once } from 'node:events';
import { WebSocket, WebSocketServer } from 'ws';
import { type Peer, textOf } from '../peer.js';
import type { Receive, Wire } from '../wire.js';
import { WireClient } from '../wire-client.js';
import { serveWire } from '../wire-server.js';

const WAITING_BYTES = 1024 * 1024;

/** Without compression. ws finds `bufferutil` itself. */
export const ws: Peer = {
  serve: async () => {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
    server.on('connection', (socket) => serveWire(new WebSocketWire(socket)));
    await once(server, 'listening');
    const bound = server.address();
    const port = typeof bound === 'object' ? bound?.port : bound;
    return {
      address: `ws://127.0.0.1:${port}`,
      close: () => {
        for (const client of server.clients) client.terminate();
        server.close();
      },
    };
  },
  connect: async (address) => {
    const socket = new WebSocket(textOf(address), { perMessageDeflate: false });
    const wire = new WebSocketWire(socket);
    await once(socket, 'open');
    return new WireClient(wire);
  },
};

class WebSocketWire implements Wire {
  onMessage: Receive = () => undefined;
  readonly #socket: WebSocket;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data) => {
      if (!(data instanceof Buffer)) throw new TypeError('ws should deliver Buffers by default.');
      this.onMessage(data, 0, data.length);
    });
  }

  room(): Promise<void> | undefined {
    if (this.#socket.bufferedAmount < WAITING_BYTES) return undefined;
    return new Promise((resolve) => setImmediate(resolve));
  }

  send(message: Uint8Array): void {
    this.#socket.send(message);
  }

  close(): void {
    this.#socket.terminate();
  }
}
