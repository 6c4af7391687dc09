import { MessageChannel, MessagePort } from 'node:worker_threads';
import { Kind } from '../messages.js';
import type { Peer } from '../peer.js';
import type { Receive, Wire } from '../wire.js';
import { WireClient } from '../wire-client.js';
import { serveWire } from '../wire-server.js';

/** A port has no bound: at most this many messages and bytes are in flight, and the receiver acknowledges them. */
const WINDOW = 1_024;
const WINDOW_BYTES = 8 * 1024 * 1024;
const TOLD_BYTES = 64;

/** `clone` copies each message to the other thread; `transfer` transfers its memory. */
export function messagePort(kind: 'clone' | 'transfer'): Peer {
  return {
    serve: () => {
      const { port1, port2 } = new MessageChannel();
      serveWire(new PortWire(port1, kind));
      return Promise.resolve({ address: port2, close: () => port1.close() });
    },
    connect: (address) => {
      if (!(address instanceof MessagePort)) throw new TypeError('MessagePort is reached by a port.');
      return Promise.resolve(new WireClient(new PortWire(address, kind)));
    },
  };
}

class PortWire implements Wire {
  onMessage: Receive = () => undefined;
  readonly #port: MessagePort;
  readonly #transfers: boolean;
  #underWay = 0;
  #underWayBytes = 0;
  /** Received, and not acknowledged yet. */
  #taken = 0;
  #takenBytes = 0;
  #hasRoom: () => void = () => undefined;

  constructor(port: MessagePort, kind: 'clone' | 'transfer') {
    this.#port = port;
    this.#transfers = kind === 'transfer';
    port.on('message', (message: unknown) => this.#heard(message));
  }

  room(sizeBytes: number): Promise<void> | undefined {
    // Up to a quarter of the window may be taken and not acknowledged, so a larger message would wait for ever.
    const neededBytes = Math.min(sizeBytes, (WINDOW_BYTES * 3) / 4);
    const isFull = this.#underWay >= WINDOW || this.#underWayBytes + neededBytes > WINDOW_BYTES;
    if (!isFull) return undefined;
    return new Promise((resolve) => {
      this.#hasRoom = resolve;
    });
  }

  send(message: Uint8Array): void {
    this.#underWay += 1;
    this.#underWayBytes += message.length;
    if (!this.#transfers) return this.#port.postMessage(message);
    const born = bornToBeGiven(message);
    return this.#port.postMessage(born, [born.buffer]);
  }

  close(): void {
    this.#port.close();
  }

  #heard(message: unknown): void {
    if (message instanceof Uint8Array) {
      this.onMessage(message, 0, message.length);
      this.#taken += 1;
      this.#takenBytes += message.length;
      if (this.#taken < WINDOW / 4 && this.#takenBytes < WINDOW_BYTES / 4) return;
      this.#port.postMessage([this.#taken, this.#takenBytes]);
      this.#taken = 0;
      this.#takenBytes = 0;
    } else if (Array.isArray(message)) {
      this.#underWay -= Number(message[0]);
      this.#underWayBytes -= Number(message[1]);
      this.#hasRoom();
    }
  }
}

/** Transferred memory cannot be sent again. As with other peers, only messages that are compared are written completely. */
function bornToBeGiven(message: Uint8Array): Uint8Array<ArrayBuffer> {
  const born = new Uint8Array(Buffer.allocUnsafeSlow(message.length).buffer);
  born.set(message[0] === Kind.piece ? message : message.subarray(0, TOLD_BYTES));
  return born;
}
