import { Lane } from '#src/protocol/index.js';
import { RealScheduler } from '#src/scheduler/index.js';
import type { Link, Transport } from '#src/transport/index.js';
import { NetTransport } from '#src/transport/net/index.js';
import { WebSocketTransport } from '#src/transport/ws/index.js';
import { ZeroMqTransport } from '#src/transport/zmq/index.js';
import { UcxTransport } from '#src/transport/ucx/index.js';
import { type Peer, textOf } from '../peer.js';
import type { Receive, Wire } from '../wire.js';
import { WireClient } from '../wire-client.js';
import { serveWire } from '../wire-server.js';
import { assertUcx } from './assert-ucx.js';
import { LENGTH_BYTES, lengthAt, writeLength } from './frame-reader.js';

/** Links of the net transport, without actors. */
export function rawNet(listen: string): Peer {
  return overLinks(() => new NetTransport({ scheduler: new RealScheduler(), listen, keyless: 'loopback' }));
}

/**
 * Links of the ucx transport: over shared memory for `unix:`, over TCP for a port of this host. Throws Missing if UCX is not installed.
 */
export function rawUcx(listen: string): Peer {
  const makeTransport = (): Transport =>
    new UcxTransport({
      scheduler: new RealScheduler(),
      listen,
      keyless: 'loopback',
      fabric: listen === 'unix:' ? 'shared-memory' : 'tcp',
      interfaces: ['lo'],
    });
  assertUcx();
  return overLinks(makeTransport);
}

/** Links over WebSockets, without actors. */
export function rawWs(): Peer {
  const listen = 'ws://127.0.0.1:0/';
  return overLinks(() => new WebSocketTransport({ scheduler: new RealScheduler(), listen, keyless: 'loopback' }));
}

/** Links over ZeroMQ, without actors. */
export function rawZmq(listen: string): Peer {
  return overLinks(() => new ZeroMqTransport({ scheduler: new RealScheduler(), listen, keyless: 'loopback' }));
}

function overLinks(makeTransport: () => Transport): Peer {
  return {
    serve: async () => {
      const transport = makeTransport();
      const address = await transport.listen((link) => serveWire(new LinkWire(transport, link)));
      return { address, close: () => transport.close() };
    },
    connect: async (address) => {
      const transport = makeTransport();
      const link = await transport.connect(textOf(address), { timeoutMs: 10_000 });
      return new WireClient(new LinkWire(transport, link));
    },
  };
}

/** Messages with their lengths, in frames of a link. The messages of one turn are sent together. */
class LinkWire implements Wire {
  onMessage: Receive = () => undefined;
  readonly #transport: Transport;
  readonly #link: Link;
  readonly #flush = (): void => this.#flushNow();
  #frame: Uint8Array | undefined;
  #used = 0;
  #isArmed = false;
  #hasRoom: () => void = () => undefined;

  constructor(transport: Transport, link: Link) {
    this.#transport = transport;
    this.#link = link;
    link.setHandlers({
      frame: (_lane, bytes) => {
        for (let at = 0; at < bytes.length; ) {
          const length = lengthAt(bytes, at);
          this.onMessage(bytes, at + LENGTH_BYTES, length);
          at += LENGTH_BYTES + length;
        }
      },
      writable: () => this.#hasRoom(),
      closed: (reason) => {
        if (reason.kind !== 'closed') throw new Error(`The link has ended: ${reason.message}`);
      },
    });
  }

  room(sizeBytes: number): Promise<void> | undefined {
    const neededBytes = sizeBytes + LENGTH_BYTES;
    if (this.#frame !== undefined && this.#frame.length - this.#used >= neededBytes) return undefined;
    this.#finishFrame();
    this.#frame = this.#link.acquire(Lane.data, neededBytes);
    if (this.#frame !== undefined) return undefined;
    this.#transport.flush();
    return new Promise((resolve) => {
      this.#hasRoom = resolve;
    });
  }

  send(message: Uint8Array): void {
    if (this.#frame === undefined) throw new Error('The lane has no credit.');
    writeLength(this.#frame, this.#used, message.length);
    this.#frame.set(message, this.#used + LENGTH_BYTES);
    this.#used += LENGTH_BYTES + message.length;
    if (this.#isArmed) return;
    this.#isArmed = true;
    queueMicrotask(this.#flush);
  }

  close(): Promise<void> {
    return this.#transport.close();
  }

  #flushNow(): void {
    this.#isArmed = false;
    this.#finishFrame();
    this.#transport.flush();
  }

  #finishFrame(): void {
    const frame = this.#frame;
    if (frame === undefined) return;
    this.#frame = undefined;
    const used = this.#used;
    this.#used = 0;
    this.#link.send(Lane.data, frame, used);
  }
}
