import { Pair } from 'zeromq';
import { type Peer, textOf } from '../peer.js';
import type { Receive, Wire } from '../wire.js';
import { WireClient } from '../wire-client.js';
import { serveWire } from '../wire-server.js';
import { socketPath } from './socket-path.js';

/** Messages that wait for a socket. A socket accepts one at a time. */
const WAITING = 1_000;

export function zeromq(kind: 'ipc' | 'tcp'): Peer {
  return {
    serve: async () => {
      const socket = new Pair({ linger: 0 });
      await socket.bind(kind === 'ipc' ? `ipc://${socketPath()}` : 'tcp://127.0.0.1:*');
      const wire = new ZeroMqWire(socket);
      serveWire(wire);
      return { address: String(socket.lastEndpoint), close: () => wire.close() };
    },
    connect: (address) => {
      const socket = new Pair({ linger: 0 });
      socket.connect(textOf(address));
      return Promise.resolve(new WireClient(new ZeroMqWire(socket)));
    },
  };
}

class ZeroMqWire implements Wire {
  onMessage: Receive = () => undefined;
  readonly #socket: Pair;
  #waiting: Uint8Array[] = [];
  #isSending = false;
  #sent: () => void = () => undefined;

  constructor(socket: Pair) {
    this.#socket = socket;
    void this.#receive();
  }

  room(): Promise<void> | undefined {
    if (this.#waiting.length < WAITING) return undefined;
    return new Promise((resolve) => {
      this.#sent = resolve;
    });
  }

  send(message: Uint8Array): void {
    this.#waiting.push(message);
    if (!this.#isSending) void this.#sendWaiting();
  }

  close(): void {
    this.#socket.close();
  }

  async #sendWaiting(): Promise<void> {
    this.#isSending = true;
    while (this.#waiting.length > 0) {
      const messages = this.#waiting;
      this.#waiting = [];
      this.#sent();
      for (const message of messages) await this.#socket.send(message);
    }
    this.#isSending = false;
  }

  async #receive(): Promise<void> {
    for await (const [message] of this.#socket) {
      if (message !== undefined) this.onMessage(message, 0, message.length);
    }
  }
}
