import { MessageChannel, MessagePort } from 'node:worker_threads';
import { Kind } from '../transport/messages.js';
import type { Peer } from '../transport/peer.js';
import type { Receive, Wire } from '../transport/wire.js';
import { WireClient } from '../transport/wire-client.js';
import { serveWire } from '../transport/wire-server.js';

/** Memory of the slots of one size. */
const SLOTS_BYTES = 128 * 1024 * 1024;
const MOST_SLOTS = 256;
const NOTE_BYTES = 64;

/** Slots in shared memory, written by hand: the writer fills a free one, and posts its number; the reader posts it back. */
export const sharedMemory: Peer = {
  serve: () => {
    const { port1, port2 } = new MessageChannel();
    serveWire(new SlotWire(port1));
    return Promise.resolve({ address: port2, close: () => port1.close() });
  },
  connect: (address) => {
    if (!(address instanceof MessagePort)) throw new TypeError('Shared memory is reached by a port.');
    return Promise.resolve(new WireClient(new SlotWire(address)));
  },
};

interface Posted {
  /** Sent once for each size, before its slots. */
  readonly memory?: SharedArrayBuffer;
  readonly sizeBytes: number;
  readonly slot: number;
  readonly isFree: boolean;
}

class SlotWire implements Wire {
  onMessage: Receive = () => undefined;
  readonly #port: MessagePort;
  readonly #own = new Map<number, { readonly memory: SharedArrayBuffer; readonly free: number[] }>();
  readonly #others = new Map<number, SharedArrayBuffer>();
  #hasRoom: () => void = () => undefined;

  constructor(port: MessagePort) {
    this.#port = port;
    port.on('message', (posted: Posted) => this.#heard(posted));
  }

  room(sizeBytes: number): Promise<void> | undefined {
    if (this.#slotsOf(sizeBytes).free.length > 0) return undefined;
    return new Promise((resolve) => {
      this.#hasRoom = resolve;
    });
  }

  send(message: Uint8Array): void {
    const sizeBytes = message.length;
    const { memory, free } = this.#slotsOf(sizeBytes);
    const slot = free.pop() ?? 0;
    const isWhole = message[0] === Kind.piece || sizeBytes <= NOTE_BYTES;
    new Uint8Array(memory, slot * sizeBytes, sizeBytes).set(isWhole ? message : message.subarray(0, NOTE_BYTES));
    this.#port.postMessage({ sizeBytes, slot, isFree: false } satisfies Posted);
  }

  close(): void {
    this.#port.close();
  }

  #slotsOf(sizeBytes: number) {
    const known = this.#own.get(sizeBytes);
    if (known !== undefined) return known;
    const slots = Math.max(2, Math.min(MOST_SLOTS, Math.floor(SLOTS_BYTES / sizeBytes)));
    const made = {
      memory: new SharedArrayBuffer(slots * sizeBytes),
      free: Array.from({ length: slots }, (_, index) => index),
    };
    this.#own.set(sizeBytes, made);
    this.#port.postMessage({ memory: made.memory, sizeBytes, slot: 0, isFree: false } satisfies Posted);
    return made;
  }

  #heard({ memory, sizeBytes, slot, isFree }: Posted): void {
    if (memory !== undefined) {
      this.#others.set(sizeBytes, memory);
    } else if (isFree) {
      this.#own.get(sizeBytes)?.free.push(slot);
      this.#hasRoom();
    } else {
      const bytes = new Uint8Array(
        this.#others.get(sizeBytes) ?? new SharedArrayBuffer(0),
        slot * sizeBytes,
        sizeBytes,
      );
      this.onMessage(bytes, 0, sizeBytes);
      this.#port.postMessage({ sizeBytes, slot, isFree: true } satisfies Posted);
    }
  }
}
